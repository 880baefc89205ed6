package clearing

import (
	"context"

	"settled/clearing/pages"
)

// The pages of the night itself; those of deliveries and connections are in packages delivery and dial.
var (
	pageRecordsAside = pages.Page{Reason: "records_aside", Means: "Records cannot be written, or have no contract: they are left out, the file goes without them, break B-11 opens.",
		Do: "`settled reject list` and `settled record show` say why; repair the merchant's or the buyer's data, then `settled record release`, or cancel the order"}
	pageFileNotBuilt = pages.Page{Reason: "file_not_built", Means: "A batch is sealed and its file cannot be built; it is tried every minute and paged once an hour. With `clearing.in_order` the files after it wait.",
		Do: "`settled file list --state planned` and `settled file show` say why; class `keys` means that the worker's key file lacks a key that a rotation added, class `unwritten` with every card of the batch that its keys are wrong"}
	pageFileUnnumbered = pages.Page{Reason: "file_unnumbered", Means: "A batch is sealed, but its file has no number and does not go. The deadline is near.",
		Do: "Agree with the center on wider numbers or on beginning again at 1; set `clearing.sequence_width` or `clearing.after_last: wrap`, then restart the worker: its files go on by themselves"}
	pageNumbersLow = pages.Page{Reason: "file_numbers_low", Means: "The numbers of the center's files come to an end: fewer than 100 are left, or a tenth where the center takes fewer than 1000.",
		Do: "As `file_unnumbered`, before they are gone"}
	pageBooksLack = pages.Page{Reason: "books_lack_files", Means: "After a restore, a fail-over or a time in which nobody saw the database, the center has a file that the books lack, or looking there proves nothing; break B-29 opens. Nothing is numbered for the center or sent to it.",
		Do: "`settled resume --after-restore --dry-run` shows what was found ([after a restore](delivery.md#after-a-restore))"}
	pageReplyQuarantined = pages.Page{Reason: "reply_quarantined", Means: "A reply cannot be applied; nothing of it was.",
		Do: "`settled reply show` says which line and why; ask the center, then `settled reply reconsider`"}
	pageFileRejected = pages.Page{Reason: "file_rejected", Means: "The center refused a file whole.",
		Do: "`settled file show` gives the code; mend the cause, then `settled batch rebuild`"}
	pageUnknownRecords = pages.Page{Reason: "unknown_records", Means: "A reply refuses records that are not in its file.",
		Do: "`settled reply show`; ask the center which file it speaks of"}
	pageCalendarEnds = pages.Page{Reason: "calendar_ends", Means: "A calendar ends within the 14 days for which windows are planned, or has ended. After the last planned cut-off card payments at the center are refused.",
		Do: "Add the holidays of the coming year to the calendar, set its `horizon`, `settled config check`; running workers take it up"}
	pageWindowsRunOut = pages.Page{Reason: "windows_run_out", Means: "The last planned cut-off of the center is less than three days ahead, or none is planned. From it on card payments, confirmations and refunds at the center are refused.",
		Do: "`settled doctor` says whether the calendar ends or no worker plans; `settled window list` shows what is planned"}
)

// page calls a person about a center.
func (n *Night) page(ctx context.Context, s *station, p pages.Page, args ...any) {
	n.pager.Page(ctx, s.Name, p, args...)
}
