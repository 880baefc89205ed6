package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

func newFile() *cobra.Command {
	var query func(*desk) (clearing.Query, error)
	list := operator("list", "List files, the newest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		q, err := query(d)
		if err != nil {
			return err
		}
		all, err := d.Night.Files(ctx, q)
		if err != nil {
			return err
		}
		return d.printPart(fileLines(d, all.Rows), all.Next, nil, func(t *rows) { showFiles(d, t, all.Rows) })
	})
	query = filter(list)
	return group("file", "Files: the bytes that go to centers", list,
		operator("show FILE", "Show a file: state, proof, deliveries, replies", 1, showFile), newFileVerify(),
		fileAction("release FILE", "Let a built file go to its center", deed{kind: events.FileRelease}, (*delivery.Courier).Release),
		fileAction("retry FILE", "Try a file again at once that waits or was stopped", deed{kind: events.FileRetry}, (*delivery.Courier).Retry),
		newFileResend(), newFileMarkDelivered())
}

// fileLine is a file as programs read it.
type fileLine struct {
	files.File
	CenterName string `json:"center_name"`
	SHA256     string `json:"sha256,omitempty"`
}

func fileLines(d *desk, all []files.File) []fileLine {
	out := make([]fileLine, 0, len(all))
	for _, f := range all {
		out = append(out, fileLine{f, d.centerName(f.Center), hex.EncodeToString(f.SHA256)})
	}
	return out
}

func showFiles(d *desk, t *rows, all []files.File) {
	t.row("file", "center", "name", "state", "messages", "bytes", "proof", "delivered", "sha256")
	for _, f := range all {
		state := string(f.State)
		if f.Frozen {
			state += " (frozen)"
		}
		t.row(f.ID, d.centerName(f.Center), f.Name, state, known(f.Messages), known(f.Bytes), f.Proof, d.clock(f.DeliveredAt), hex.EncodeToString(f.SHA256))
	}
}

func known[T any](n *T) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func showFile(ctx context.Context, d *desk, args []string) error {
	id, err := number(args[0], "a file")
	if err != nil {
		return err
	}
	v, err := d.Night.File(ctx, id)
	if err != nil {
		return err
	}
	full := struct {
		fileLine
		Deliveries []delivery.Attempt `json:"deliveries"`
		Answers    []replyLine        `json:"answers"`
		SentAgain  []delivery.Resend  `json:"sent_again"`
	}{fileLines(d, []files.File{v.File})[0], v.Deliveries, replyLines(d, v.Answers), v.SentAgain}
	return d.print(full, func(t *rows) {
		showFiles(d, t, []files.File{v.File})
		if v.LastError != "" {
			t.row("last error", v.LastError)
		}
		t.row()
		t.row("attempt", "started", "ended", "outcome", "error")
		for _, a := range v.Deliveries {
			t.row(a.No, d.clock(&a.StartedAt), d.clock(a.EndedAt), a.Outcome, a.Error)
		}
		for _, r := range v.SentAgain {
			t.row("sent again", d.clock(&r.At), "was "+string(r.FromState), r.Proof, r.Reason+"; at the center: "+r.AtCenter)
		}
		t.row()
		showReplies(d, t, v.Answers)
	})
}

func newFileVerify() *cobra.Command {
	var atCenter bool
	c := operator("verify FILE", "Read a file's stored bytes again and compare them with its batch", 1, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a file")
		if err != nil {
			return err
		}
		v, err := d.Night.VerifyFile(ctx, id, atCenter)
		if err != nil {
			return err
		}
		err = d.print(v, func(t *rows) {
			t.row("file", v.File)
			t.row("content", v.Held)
			t.row("stored bytes", v.Stored)
			if atCenter {
				t.row("at the center", *v.Center)
			}
		})
		if err == nil && (v.Stored != "ok" || atCenter && v.Remote != "ok") {
			err = errRed
		}
		return err
	})
	c.Flags().BoolVar(&atCenter, "at-center", false, "compare with what the center has under the file's name, too")
	return c
}

// fileAction is a command that changes where a file stands.
func fileAction(use, short string, of deed, do func(*delivery.Courier, context.Context, int64) error) *cobra.Command {
	of.object = "file"
	return act(use, short, 1, of, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a file")
		if err != nil {
			return err
		}
		v, err := d.Night.File(ctx, id)
		if err != nil {
			return err
		}
		d.found(string(v.State))
		if err := do(d.Night.Delivery, ctx, id); err != nil {
			return err
		}
		if v, err = d.Night.File(ctx, id); err != nil {
			return err
		}
		return d.print(fileLines(d, []files.File{v.File})[0], func(t *rows) { showFiles(d, t, []files.File{v.File}) })
	})
}

// replyLine is a reply as programs read it.
type replyLine struct {
	clearing.Reply
	CenterName string `json:"center_name"`
	SHA256     string `json:"sha256"`
}

func replyLines(d *desk, all []clearing.Reply) []replyLine {
	out := make([]replyLine, 0, len(all))
	for _, r := range all {
		out = append(out, replyLine{r, d.centerName(r.Center), hex.EncodeToString(r.SHA256)})
	}
	return out
}

func showReplies(d *desk, t *rows, all []clearing.Reply) {
	t.row("reply", "center", "name", "state", "answers file", "accepted", "refused", "unknown", "fetched", "reason")
	for _, r := range all {
		t.row(r.ID, d.centerName(r.Center), r.Name, r.State, known(r.File), r.Accepted, r.Rejected, r.Unknown, d.clock(&r.FetchedAt), r.Reason)
	}
}

func newReply() *cobra.Command {
	var query func(*desk) (clearing.Query, error)
	list := operator("list", "List replies, the newest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		q, err := query(d)
		if err != nil {
			return err
		}
		all, err := d.Night.Replies(ctx, q)
		if err != nil {
			return err
		}
		return d.printPart(replyLines(d, all.Rows), all.Next, nil, func(t *rows) { showReplies(d, t, all.Rows) })
	})
	query = filter(list)
	show := operator("show REPLY", "Show a reply", 1, func(ctx context.Context, d *desk, args []string) error {
		id, err := number(args[0], "a reply")
		if err != nil {
			return err
		}
		return showReply(ctx, d, id)
	})
	return group("reply", "Replies of the centers", list, show, newReplyReconsider())
}

func showReply(ctx context.Context, d *desk, id int64) error {
	r, err := d.Night.Reply(ctx, id)
	if err != nil {
		return err
	}
	return d.print(replyLines(d, []clearing.Reply{r})[0], func(t *rows) { showReplies(d, t, []clearing.Reply{r}) })
}
