import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

/** One thing that must hold, with the title under which the spec reports it. The method gives back, in a few words, what was seen. */
@Retention(RetentionPolicy.RUNTIME)
@interface Check {
	String value();
}
