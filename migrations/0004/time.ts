/** From a time to a zxid. */
export const timeStatements = [
	`create function chronokeeper.note_clock_runs() returns bigint language plpgsql as $$
	declare
		cursor_row chronokeeper.mirror_cursor;
		noted bigint;
	begin
		select * into cursor_row from chronokeeper.mirror_cursor m for update;
		if cursor_row.clock_zxid is not distinct from cursor_row.zxid then
			return 0;
		end if;
		insert into chronokeeper.clock_run
			select x.zxid, x.time from (
				select t.zxid, t.time, lag(t.time) over (order by t.zxid) as before from chronokeeper.txn t
				where t.zxid > coalesce(cursor_row.clock_zxid, -1) and t.zxid <= cursor_row.zxid
			) x where x.before is null or x.time < x.before
			on conflict do nothing;
		get diagnostics noted = row_count;
		update chronokeeper.mirror_cursor set clock_zxid = zxid;
		return noted;
	end $$`,

	/**
	 * Within a run the times do not go backwards, so that its first is its earliest: the newest run that began by then has the answer, and halving finds
	 * it, each step by the primary key. What an older version wrote and nobody has noted yet is looked through first.
	 */
	`create function chronokeeper.last_zxid_at(at timestamptz) returns bigint language plpgsql stable as $$
	declare
		noted bigint;
		last bigint;
		low bigint;
		high bigint;
		middle bigint;
		probe record;
	begin
		select coalesce(m.clock_zxid, -1), m.zxid into noted, last from chronokeeper.history_cursor m;
		if noted < last then
			select t.zxid into low from chronokeeper.history_txn t where t.zxid > noted and t.zxid <= last and t.time <= at order by t.zxid desc limit 1;
			if found then
				return low;
			end if;
		end if;
		select r.first_zxid into low from chronokeeper.clock_run r where r.began <= at and r.first_zxid <= noted order by r.first_zxid desc limit 1;
		if not found then
			return null;
		end if;
		select coalesce(min(r.first_zxid) - 1, noted) into high from chronokeeper.clock_run r where r.first_zxid > low and r.first_zxid <= noted;
		-- The transaction at low is not later; nothing behind high belongs to the run.
		while low < high loop
			middle := low + (high - low + 1) / 2;
			select t.zxid, t.time into probe from chronokeeper.history_txn t where t.zxid >= middle and t.zxid <= high order by t.zxid limit 1;
			if found and probe.time <= at then
				low := probe.zxid;
			else
				high := middle - 1;
			end if;
		end loop;
		-- What was pruned meanwhile is not there any more.
		return (select t.zxid from chronokeeper.history_txn t where t.zxid = low);
	end $$`,

	`create function chronokeeper.zxid_at(at timestamptz) returns bigint language plpgsql stable as $$
	declare
		z bigint := chronokeeper.last_zxid_at(at);
		missing chronokeeper.gap;
	begin
		if at is null then
			return null;
		elsif z is null and exists (select from chronokeeper.snapshot s where s.base and s.zxid = 0)
			and not exists (select from chronokeeper.gap g where g.after_zxid = 0 and g.kind <> 'mismatch') then
			return 0;
		elsif z is null then
			raise exception 'the history knows nothing of %: it begins later', at using errcode = 'no_data_found';
		end if;
		select * into missing from chronokeeper.gap g
			where g.after_zxid = z and not exists (select from chronokeeper.history_txn t where t.zxid = g.through_zxid) limit 1;
		if found then
			raise exception '% lies in a gap: what happened between % and % is not known: %', at,
				chronokeeper.zxid_hex(missing.after_zxid), chronokeeper.zxid_hex(missing.through_zxid), missing.reason
				using errcode = 'no_data_found';
		end if;
		return z;
	end $$`,

	`create function chronokeeper.zxid_or_time(value text) returns bigint language plpgsql stable strict as $$
	begin
		if btrim(value) ~* '^(0x[0-9a-f]+|[0-9]+)$' then
			return chronokeeper.zxid(value);
		elsif btrim(value) ~ '^[0-9]{4}-[0-9]|^[0-9]{1,2}:|^[a-zA-Z]' then
			return chronokeeper.zxid_at(value::timestamptz);
		end if;
		return chronokeeper.zxid(value);
	end $$`,
];
