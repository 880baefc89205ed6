package clearing

import (
	"context"

	"settled/clearing/remote"
)

// Page is a reason to call a person. Every page of the night is one of the list below, which docs/metrics.md shows.
type Page struct {
	Reason string // label of settled_clearing_pages_total
	Means  string // what has happened
	Do     string // what the person does
}

var (
	pageRecordsAside = Page{"records_aside", "Records cannot be written, or have no contract: they are left out, the file goes without them, break B-11 opens.",
		"`settled reject list` and `settled record show` say why; repair the merchant's or the buyer's data, then `settled record release`, or cancel the order"}
	pageFileNotBuilt = Page{"file_not_built", "A batch is sealed and its file cannot be built; it is tried every minute and paged once an hour. With `clearing.in_order` the files after it wait.",
		"`settled file list --state planned` and `settled file show` say why; class `keys` means that the worker's key file lacks a key that a rotation added, class `unwritten` with every card of the batch that its keys are wrong"}
	pageFileUnnumbered = Page{"file_unnumbered", "A batch is sealed, but its file has no number and does not go. The deadline is near.",
		"Agree with the center on wider numbers or on beginning again at 1; set `clearing.sequence_width` or `clearing.after_last: wrap`, then restart the worker: its files go on by themselves"}
	pageNumbersLow = Page{"file_numbers_low", "The numbers of the center's files come to an end: fewer than 100 are left, or a tenth where the center takes fewer than 1000.",
		"As `file_unnumbered`, before they are gone"}
	pageUnknownDelivery = Page{"unknown_delivery", "Nobody can tell whether the center has a file. It does not go again by itself.",
		"`settled file verify FILE --at-center`, ask the center, then `settled file mark-delivered` or `settled file resend`"}
	pageDeliveryStopped = Page{"delivery_stopped", "A file is frozen.",
		"`settled file show` says whether other bytes stand under its name, temporary files have to be removed by the center, or what is in it may be in a file that the books lack; then `settled file retry`"}
	pageBooksLack = Page{"books_lack_files", "After a restore, a fail-over or a time in which nobody saw the database, the center has a file that the books lack, or looking there proves nothing; break B-29 opens. Nothing is numbered for the center or sent to it.",
		"`settled resume --after-restore --dry-run` shows what was found ([after a restore](delivery.md#after-a-restore))"}
	pageDeadlinePassed = Page{"deadline_passed", "A file is not delivered and its deadline has passed; it goes on being tried.",
		"Tell the center that the file comes late; `settled file show` says what stands in its way"}
	pageReplyQuarantined = Page{"reply_quarantined", "A reply cannot be applied; nothing of it was.",
		"`settled reply show` says which line and why; ask the center, then `settled reply reconsider`"}
	pageFileRejected = Page{"file_rejected", "The center refused a file whole.",
		"`settled file show` gives the code; mend the cause, then `settled batch rebuild`"}
	pageReplyOverdue = Page{"reply_overdue", "The reply to a delivered file is overdue; break B-03 opens. Nothing is sent again.",
		"`settled file verify FILE --at-center`, then ask the center"}
	pageUnknownRecords = Page{"unknown_records", "A reply refuses records that are not in its file.",
		"`settled reply show`; ask the center which file it speaks of"}
	pageCalendarEnds = Page{"calendar_ends", "A calendar ends within the 14 days for which windows are planned, or has ended. After the last planned cut-off card payments at the center are refused.",
		"Add the holidays of the coming year to the calendar, set its `horizon`, `settled config check`, and restart the workers"}
	pageWindowsRunOut = Page{"windows_run_out", "The last planned cut-off of the center is less than three days ahead, or none is planned. From it on card payments, confirmations and refunds at the center are refused.",
		"`settled doctor` says whether the calendar ends or no worker plans; `settled window list` shows what is planned"}
	pageLogin = Page{"sftp_auth", "The center's file server refused our login; it is left alone for a while.",
		"Renew the password or the key with the center, then `settled center unpark`"}
	pageHostKey = Page{"sftp_hostkey", "The center's file server showed a key that is not pinned: it may not be the center. Nothing was sent.",
		"Ask the center by another way before `clearing.sftp.host_keys` is changed; then `settled center unpark`"}
)

// pageOfDelivery are the pages of attempts to deliver that failed in a way that time does not heal, by class.
var pageOfDelivery = map[remote.Class]Page{
	remote.Auth:        {"delivery_auth", "A file did not go: the login was refused.", "As `sftp_auth`"},
	remote.HostKey:     {"delivery_hostkey", "A file did not go: the server's key is not pinned.", "As `sftp_hostkey`"},
	remote.DiskFull:    {"delivery_disk_full", "The center's disk is full. The file goes again every 10 minutes.", "Tell the center"},
	remote.Permission:  {"delivery_permission", "The account may not write where the file belongs.", "Ask the center for the right, or correct `clearing.sftp.upload_dir`"},
	remote.NoSuchFile:  {"delivery_no_such_file", "The directory for our files is not there.", "Correct `clearing.sftp.upload_dir`, or ask the center"},
	remote.Exists:      {"delivery_exists", "A name that we need is taken at the center.", "`settled file verify FILE --at-center` says by what; ask the center to remove it"},
	remote.Unsupported: {"delivery_unsupported", "The center's server cannot do what a delivery needs.", "`settled file show` says what; ask the center"},
	remote.Mismatch:    {"delivery_mismatch", "What is at the center is not what was sent; the file goes again.", "`settled file show`; when it happens again, ask the center"},
	remote.Other:       {"delivery_other", "A file did not go, for a reason that nobody has classified.", "`settled file show` gives the words of the server"},
}

// page counts an event that a person must look at, and logs it with what to do.
func (n *Night) page(ctx context.Context, s *station, p Page, args ...any) {
	n.metrics.pages.WithLabelValues(s.Name, p.Reason).Inc()
	//nolint:sloglint // the reasons are the pages above, which docs/metrics.md lists
	n.Log.ErrorContext(ctx, "a person must look at "+p.Reason, append([]any{"center", s.Name, "do", p.Do}, args...)...)
}
