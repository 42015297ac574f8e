import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import javax.security.auth.x500.X500Principal;

/**
 * What Java makes of X.500 names, a line for each line: of `text BASE64` whether it takes that text for a name, of `der BASE64` what
 * getName() writes of those bytes, in base64.
 */
final class X500Names {
	private X500Names() {}

	public static void main(String[] args) throws Exception {
		PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
		BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
		for (String line = lines.readLine(); line != null; line = lines.readLine()) {
			byte[] bytes = Base64.getDecoder().decode(line.substring(line.indexOf(' ') + 1));
			out.println(line.startsWith("text") ? isName(new String(bytes, StandardCharsets.UTF_8)) : nameOf(bytes));
		}
		out.flush();
	}

	private static String isName(String text) {
		try {
			new X500Principal(text);
			return "true";
		} catch (IllegalArgumentException e) {
			return "false";
		}
	}

	private static String nameOf(byte[] der) {
		String name = new X500Principal(der).getName();
		return Base64.getEncoder().encodeToString(name.getBytes(StandardCharsets.UTF_8));
	}
}
