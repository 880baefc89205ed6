package roles

// verbs are what a role may do with the rows of a table beside reading them.
type verbs struct {
	insert bool
	update bool // of the columns that the table's row names, and of no others
	remove bool
}

// What rows of the table say of a role, shortest first.
var (
	reads = verbs{}
	adds  = verbs{insert: true}
	sets  = verbs{update: true}
	keeps = verbs{insert: true, update: true}
	takes = verbs{insert: true, remove: true}
	turns = verbs{insert: true, update: true, remove: true} // a queue, a lock, or a note of the moment
)

// right is what may be done with a table: by whoever serves merchants, and by whoever works at night. The other roles read.
type right struct {
	table     string
	api, work verbs
	changes   string // columns that may be updated; the others stay as they were inserted
	erases    string // columns that whoever works at night may update besides, to erase them when their time is over
	closed    string // roles that may not even read it
}

// rights are all of them. To add a table, add a row: what is not said here, nobody has. A row with the verb update names its columns.
var rights = []right{
	{table: "accounts"},
	{table: "authentications", api: keeps, work: sets, changes: "completed_at directory_id eci method_done state status", erases: "browser"},
	{table: "authorization_logs", work: keeps, changes: "bytes decided_at differences entries fetched_at forced from_at reason sha256 size state unknown until_at"},
	{table: "balances", work: adds},
	{table: "batch_totals", work: adds},
	{table: "batches", work: keeps, changes: "replied_at reply_id state"},
	{table: "break_notes", work: adds},
	{table: "breaks", api: keeps, work: keeps, changes: "closed_at note"},
	{table: "center_looks", work: keeps, changes: "at found state"},
	{table: "centers", api: keeps, work: keeps, changes: "name"},
	{table: "cheques", api: adds, erases: "items"},
	{table: "commits", api: adds, work: adds},
	{table: "contracts", api: keeps, work: keeps, changes: "configured_at"},
	{table: "credentials", api: keeps, work: keeps, changes: "card_expiry deleted_at network_id seal_form sealed sealed_key used_at", erases: "card_mask customer"},
	{table: "delivery_attempts", work: keeps, changes: "ended_at error error_class left_over outcome reached"},
	{table: "epochs", api: keeps, work: keeps, changes: "alive_at reason resumed_at state"},
	{table: "erasures", work: adds},
	{table: "events", api: adds, work: adds},
	{table: "file_chunks", work: adds, closed: "api console"},
	{table: "file_resends", work: adds},
	{table: "file_sequences", work: keeps, changes: "base last"},
	{table: "files", work: keeps, changes: "attempts base built_at bytes delivered_at erased_at error_class failures frozen last_error logical_id messages name " +
		"next_attempt_at proof released_at sequence sha256 state token unknown_since"},
	{table: "funds", api: keeps, work: keeps, changes: "available"},
	{table: "goose_db_version"},
	{table: "id_blocks", api: keeps, work: keeps, changes: "next"},
	{table: "id_jumps", api: adds, work: adds},
	{table: "inbox_files", work: keeps, changes: "checked_at listings modified_at reply_id seen_at size state"},
	{table: "instant_payments", api: keeps, work: sets, changes: "bank_id bank_operation expires_at last_error late paid_at payload poll_at polls state"},
	{table: "key_checks", api: adds, work: adds},
	{table: "key_revocations", api: adds, work: adds},
	{table: "leases", work: turns, changes: "fence holder until"},
	{table: "link_failures", work: takes},
	{table: "lost_files", work: adds},
	{table: "notifications", api: keeps, work: keeps, changes: "answered_at asked_at attempts busy_until due_at first_code last_error second_code state"},
	{table: "open_holds", api: turns, work: turns, changes: "expires_at"},
	{table: "open_orders", api: takes, work: takes},
	{table: "operations", api: keeps, work: keeps, changes: "card_expiry card_mask completed_at interchange_back mdr_back note record_id refunded response state " +
		"told_at window_id"},
	{table: "orders", api: keeps, work: keeps, changes: "amount asked authorized card card_expiry card_mask center_id confirmed currency details exchange_id " +
		"hold_expires_at means operations original_amount original_currency payment payment_transaction rate refund_pending refunded released_cancel " +
		"released_deposit released_expiry status transactions tries_left", erases: "card_erased_at customer fingerprint personal_erased_at"},
	{table: "owed_exchanges", api: turns, work: turns, changes: "attempts due_at last_error"},
	{table: "posting_rules"},
	{table: "postings", api: adds, work: adds},
	{table: "processes", api: turns, work: turns, changes: "content refused seen_at taken_at"},
	{table: "record_changes", api: adds, work: adds},
	{table: "records", api: adds, work: adds},
	{table: "rejects", api: sets, work: keeps, changes: "abandoned state"},
	{table: "replans", work: adds},
	{table: "replies", work: keeps, changes: "accepted content decided_at erased_at file_id forced line logical_id reason rejected state unknown"},
	{table: "reply_chunks", work: adds, closed: "api console"},
	{table: "river_job", work: turns, changes: "attempt attempted_at attempted_by errors finalized_at kind max_attempts metadata priority scheduled_at state", closed: "api"},
	{table: "river_leader", work: turns, changes: "elected_at expires_at leader_id", closed: "api"},
	{table: "river_migration"},
	{table: "river_notification", work: takes, closed: "api"},
	{table: "river_queue", work: turns, changes: "metadata paused_at updated_at", closed: "api"},
	{table: "rolled_days", work: adds},
	{table: "schedule_runs", work: turns, changes: "error finished_at"},
	{table: "schedules", work: keeps, changes: "last_ok_at next_at next_slot spec zone"},
	{table: "server_life", api: adds, work: adds},
	{table: "service_calls", api: turns, changes: "called_at"},
	{table: "subscription_payments", api: keeps, work: sets, changes: "state"},
	{table: "subscriptions", api: keeps, work: sets, changes: "credential_id declines last_paid_at payments started_at state"},
	{table: "transactions", api: keeps, work: keeps, changes: "action_code answered_at approval_code attempts contract_id mdr_back network_id state"},
	{table: "unknown_approvals", work: keeps, changes: "action_code attempts due_at found_at last_error settled_at state"},
	{table: "windows", work: turns, changes: "cutoff_at sealed_at sealing_at state"},
	{table: "wishes", api: turns, work: turns, changes: "attempts due_at last_error operation"},

	{table: "journal_lines"}, // the views
	{table: "journals"},
}

// sealedColumn is a column of what the vault sealed.
type sealedColumn struct {
	table, column string
	closed        string // roles that may not read it
}

// sealed are the columns of what the vault sealed, in tables that people are otherwise shown: masks
// stand beside them. What is sealed in tables of its own, as bytes of files, is closed with its table.
var sealed = []sealedColumn{
	{"credentials", "sealed", "console"},
	{"credentials", "sealed_key", "console"},
	{"orders", "card", "console"},
	{"records", "card", "console"},
}

// besides are rights to what is no table: sequences that those take from who insert into their tables (identity columns need no right), and functions
// that have the rights of their owner, which not everybody may call.
var besides = []struct {
	verb, object string
	to           []Role
}{
	{"USAGE", "SEQUENCE replies_reply_id_seq", []Role{Work}}, // a reply has its number before its row
	{"USAGE", "SEQUENCE river_job_id_seq", []Role{Work}},
	{"USAGE", "SEQUENCE river_notification_id_seq", []Role{Work}},
	{"EXECUTE", "FUNCTION forget_commits(integer)", []Role{API, Work}},
	{"EXECUTE", "FUNCTION erase_record_cards(integer[],bigint[],integer[])", []Role{Work}},
	{"EXECUTE", "FUNCTION erase_file_chunks(bigint,integer)", []Role{Work}},
	{"EXECUTE", "FUNCTION erase_reply_chunks(bigint,integer)", []Role{Work}},
}
