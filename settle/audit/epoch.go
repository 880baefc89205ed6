package audit

// A build that follows a refused one may have its number.
const sqlGivenTwice = `
SELECT format('center %s: number %s went out with %s, and with %s, which the books lack', f.center_id, f.sequence, f.name, l.name), 0
FROM lost_files l JOIN files f USING (center_id, stream, scope, base, sequence)
WHERE l.name <> '' AND f.attempts > 0 AND regexp_replace(f.name, '_b\d+(\.[a-z]+)$', '\1') <> regexp_replace(l.name, '_b\d+(\.[a-z]+)$', '\1')
UNION ALL
SELECT format('exchange %s is of %s transactions', exchange_id, count(*)), 0 FROM transactions GROUP BY exchange_id HAVING count(*) > 1`

const sqlEpoch = `
SELECT format('epoch %s, %s: %s since %s', epoch, cause, held(0::smallint), begun_at), 0
FROM epochs WHERE epoch = (SELECT max(epoch) FROM epochs) AND held(0::smallint) IS NOT NULL`
