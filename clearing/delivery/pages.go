package delivery

import (
	"settled/clearing/pages"
	"settled/clearing/remote"
)

var (
	pageUnknownDelivery = pages.Page{Reason: "unknown_delivery", Means: "Nobody can tell whether the center has a file. It does not go again by itself.",
		Do: "`settled file verify FILE --at-center`, ask the center, then `settled file mark-delivered` or `settled file resend`"}
	pageDeliveryStopped = pages.Page{Reason: "delivery_stopped", Means: "A file is frozen.",
		Do: "`settled file show` says whether other bytes stand under its name, temporary files have to be removed by the center, or what is in it may be in a file that the books lack; then `settled file retry`"}
	pageDeadlinePassed = pages.Page{Reason: "deadline_passed", Means: "A file is not delivered and its deadline has passed; it goes on being tried.",
		Do: "Tell the center that the file comes late; `settled file show` says what stands in its way"}
	pageReplyOverdue = pages.Page{Reason: "reply_overdue", Means: "The reply to a delivered file is overdue; break B-03 opens. Nothing is sent again.",
		Do: "`settled file verify FILE --at-center`, then ask the center"}
)

// pageOfDelivery are the pages of attempts to deliver that failed in a way that time does not heal, by class.
var pageOfDelivery = map[remote.Class]pages.Page{
	remote.Auth:        {Reason: "delivery_auth", Means: "A file did not go: the login was refused.", Do: "As `sftp_auth`"},
	remote.HostKey:     {Reason: "delivery_hostkey", Means: "A file did not go: the server's key is not pinned.", Do: "As `sftp_hostkey`"},
	remote.DiskFull:    {Reason: "delivery_disk_full", Means: "The center's disk is full. The file goes again every 10 minutes.", Do: "Tell the center"},
	remote.Permission:  {Reason: "delivery_permission", Means: "The account may not write where the file belongs.", Do: "Ask the center for the right, or correct `clearing.sftp.upload_dir`"},
	remote.NoSuchFile:  {Reason: "delivery_no_such_file", Means: "The directory for our files is not there.", Do: "Correct `clearing.sftp.upload_dir`, or ask the center"},
	remote.Exists:      {Reason: "delivery_exists", Means: "A name that we need is taken at the center.", Do: "`settled file verify FILE --at-center` says by what; ask the center to remove it"},
	remote.Unsupported: {Reason: "delivery_unsupported", Means: "The center's server cannot do what a delivery needs.", Do: "`settled file show` says what; ask the center"},
	remote.Mismatch:    {Reason: "delivery_mismatch", Means: "What is at the center is not what was sent; the file goes again.", Do: "`settled file show`; when it happens again, ask the center"},
	remote.Other:       {Reason: "delivery_other", Means: "A file did not go, for a reason that nobody has classified.", Do: "`settled file show` gives the words of the server"},
}
