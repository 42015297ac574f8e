/** Data as text and as JSON. Nothing here starts a subtransaction (an exception block does): workers of a parallel query cannot before PostgreSQL 17. */

/** One character of UTF-8 as its bytes, each written as the character of that number (RFC 3629). */
export const utf8Character = [
	'[\\u0001-\\u007f]',
	'[\\u00c2-\\u00df][\\u0080-\\u00bf]',
	'\\u00e0[\\u00a0-\\u00bf][\\u0080-\\u00bf]',
	'[\\u00e1-\\u00ec\\u00ee\\u00ef][\\u0080-\\u00bf]{2}',
	'\\u00ed[\\u0080-\\u009f][\\u0080-\\u00bf]',
	'\\u00f0[\\u0090-\\u00bf][\\u0080-\\u00bf]{2}',
	'[\\u00f1-\\u00f3][\\u0080-\\u00bf]{3}',
	'\\u00f4[\\u0080-\\u008f][\\u0080-\\u00bf]{2}',
].join('|');

export const dataStatements = [
	`create function chronokeeper.data_text(data bytea) returns text language plpgsql immutable strict parallel safe as $$
	declare
		bytes text;
	begin
		if position('\\x00'::bytea in data) > 0 then
			return null;
		end if;
		bytes := convert_from(data, 'LATIN1');
		if bytes collate "C" !~ '[\\u0080-\\u00ff]' then
			return bytes;
		elsif bytes collate "C" ~ '^(?:${utf8Character})*$' then
			return convert_from(data, 'UTF8');
		end if;
		return null;
	end $$`,

	/** The parser of PostgreSQL is recursive, and too deep is an error that cannot be asked for beforehand. */
	`create function chronokeeper.json_depth(value text) returns bigint language plpgsql immutable strict parallel safe as $$
	declare
		brackets text;
	begin
		if length(value) - length(translate(value, '[{', '')) <= 1000 then
			return length(value) - length(translate(value, '[{', ''));
		end if;
		brackets := regexp_replace(regexp_replace(value, '"(?:[^"\\\\]|\\\\.)*"', '', 'g'), '[^][{}]+', '', 'g');
		return (select coalesce(max(d.depth), 0) from (
			select sum(case when b.bracket in ('[', '{') then 1 else -1 end) over (order by b.number) as depth
			from unnest(string_to_array(brackets, null)) with ordinality b (bracket, number)
		) d);
	end $$`,

	/** PostgreSQL 16 can be asked; before, the text is reduced by the grammar: \\u0001 stands for a string, \\u0002 for any other value. */
	`create function chronokeeper.is_json(value text) returns boolean language plpgsql immutable strict parallel safe as $$
	begin
		if value !~ '^[ \\t\\n\\r]*["{[tfn0-9-]' or chronokeeper.json_depth(value) > 1000 then
			return false;
		elsif current_setting('server_version_num')::integer >= 160000 then
			return pg_input_is_valid(value, 'jsonb');
		end if;
		return chronokeeper.is_json_by_grammar(value);
	end $$`,
	`create function chronokeeper.is_json_by_grammar(value text) returns boolean language plpgsql immutable strict parallel safe as $$
	declare
		reduced text;
		before text;
	begin
		-- What jsonb refuses although the grammar allows it: U+0000 and half a pair of surrogates.
		if regexp_replace(replace(value, '\\\\', ''), '\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}', '', 'g') ~ '\\\\u(?:0000|[dD][89a-fA-F])'
			or value ~ '[\\u0001-\\u0008\\u000b\\u000c\\u000e-\\u001f]' then
			return false;
		end if;
		reduced := regexp_replace(value, '"(?:[^"\\\\\\u0001-\\u001f]|\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4}))*"', E'\\u0001', 'g');
		-- Numbers with more digits than anybody writes may be too large for numeric.
		if reduced ~ '[0-9]{250}' then
			return false;
		end if;
		reduced := regexp_replace(reduced, 'true|false|null|-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?', E'\\u0002', 'g');
		reduced := regexp_replace(reduced, '[ \\t\\n\\r]+', '', 'g');
		loop
			before := reduced;
			reduced := regexp_replace(reduced, '\\{(?:\\u0001:[\\u0001\\u0002](?:,\\u0001:[\\u0001\\u0002])*)?\\}|\\[(?:[\\u0001\\u0002](?:,[\\u0001\\u0002])*)?\\]', E'\\u0002', 'g');
			exit when reduced = before;
		end loop;
		return reduced in (E'\\u0001', E'\\u0002');
	end $$`,
	`create function chronokeeper.data_json(data bytea) returns jsonb language plpgsql immutable strict parallel safe as $$
	declare
		value text := chronokeeper.data_text(data);
	begin
		if value is not null and chronokeeper.is_json(value) then
			return value::jsonb;
		end if;
		return null;
	end $$`,
];
