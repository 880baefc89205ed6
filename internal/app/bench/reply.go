package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"settled/clearing/remote"
	"settled/fileformats/ipm"
	"settled/internal/money"
	"settled/internal/pcsim"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/ssh"
)

// refusedOneIn is how many records of the replied batch stand behind one that is refused: far more than a real night has,
// so that the cost of a line shows.
const refusedOneIn = 5

// reply measures exceptions per second of applying a stored reply over a raw COPY FROM of the same lines, in turns. A line
// is the record of an exception as it stands in the reply, with the copy of the refused message.
func (b *bench) reply(ctx context.Context, w *world, f *filler) error {
	if _, err := f.owner.Exec(ctx, `CREATE TABLE IF NOT EXISTS bench_lines (message bigint, line bytea)`); err != nil {
		return err
	}
	var product, limit []float64
	var rss int64
	for r := range b.Rounds {
		id, lines, count, err := b.repliedBatch(ctx, w, f, b.Records)
		if err != nil {
			return err
		}
		raw, err := seconds(func() error {
			return copyIn(ctx, f.owner, `COPY bench_lines FROM STDIN (FORMAT binary)`, bytes.NewReader(lines))
		})
		if err != nil {
			return err
		}
		took, used, err := w.inChild(ctx, step{"apply", id})
		if err != nil {
			return err
		}
		if err := applied(ctx, f.owner, id, count); err != nil {
			return err
		}
		rss = max(rss, used)
		n := float64(count)
		fmt.Fprintf(b.out, "  round %d: applied %.0f lines/s, %d MiB; COPY FROM %.0f/s\n", r+1, n/took, used>>20, n/raw)
		product, limit = append(product, 1/took), append(limit, 1/raw)
	}
	printRatio(b.out, "reply", median(ratios(product, limit)), atLeast(0.4))
	printRatio(b.out, "reply-rss-mib", float64(rss)/(1<<20), atMost(maxRSS>>20))
	return nil
}

// applied makes sure that what was timed is an applied reply with all of its exceptions.
func applied(ctx context.Context, owner *pgxpool.Pool, reply int64, exceptions int) error {
	var state, reason string
	var rejected int
	err := owner.QueryRow(ctx, `SELECT state, reason, rejected FROM replies WHERE reply_id = $1`, reply).Scan(&state, &reason, &rejected)
	if err == nil && (state != "applied" || rejected != exceptions) {
		err = fmt.Errorf("reply %d is %s with %d of %d exceptions: %s", reply, state, rejected, exceptions, reason)
	}
	return err
}

const (
	fileOfBatch = `SELECT file_id, name, logical_id FROM files WHERE batch_id = $1`
	markSent    = `UPDATE files SET state = 'delivered', proof = 'hash', delivered_at = released_at, attempts = 1 WHERE file_id = $1`
)

// repliedBatch makes a delivered batch and a stored reply that refuses a part of it. It returns the reply, its exceptions
// as lines of text, and how many they are.
func (b *bench) repliedBatch(ctx context.Context, w *world, f *filler, n int) (reply int64, lines []byte, count int, err error) {
	_, batch, err := b.sealedBatch(ctx, w, f, n)
	if err != nil {
		return 0, nil, 0, err
	}
	if _, _, err = w.inChild(ctx, step{"build", batch}); err != nil {
		return 0, nil, 0, err
	}
	var file int64
	var name, logical string
	if err := f.owner.QueryRow(ctx, fileOfBatch, batch).Scan(&file, &name, &logical); err != nil {
		return 0, nil, 0, err
	}
	if _, err := f.owner.Exec(ctx, markSent, file); err != nil {
		return 0, nil, 0, err
	}
	text, err := w.composeReply(ctx, file, logical)
	if err != nil {
		return 0, nil, 0, err
	}
	if lines, count, err = linesOf(text); err != nil {
		return 0, nil, 0, err
	}
	reply, err = w.storeReply(ctx, f.owner, "RPY_"+name[:len(name)-len(".ipm")]+"_1.ipm", text)
	return reply, lines, count, err
}

// composeReply reads a built file and refuses one message in refusedOneIn.
func (w *world) composeReply(ctx context.Context, file int64, logical string) (text []byte, err error) {
	pool, err := w.db.pool(ctx, 4)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	night, err := w.night(pool, nowhere())
	if err != nil {
		return nil, err
	}
	id, err := ipm.ParseFileID(logical)
	if err != nil {
		return nil, err
	}
	r, out := io.Pipe()
	go func() { out.CloseWithError(night.FileBytes(ctx, file, out)) }()
	defer r.Close()
	return refuseSome(ipm.NewReader(r, fileProfile, ipm.Options{}), id)
}

// refuseSome writes the reply to a file that it reads.
func refuseSome(in *ipm.Reader, file ipm.FileID) (text []byte, err error) {
	var out bytes.Buffer
	w := ipm.NewReplyWriter(&out, fileProfile, ipm.Routing{Destination: "123456", Originator: "654321", Receiving: "123456"})
	own := file
	own.Type = ipm.FromCenter
	if err := w.WriteHeader(own); err != nil {
		return nil, err
	}
	fault := []ipm.Fault{{Element: 37, Code: 510}}
	accepted := ipm.Position{Source: file, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: uint16(money.BYN)}
	var rec ipm.Record
	for message := int64(2); ; message++ {
		err := in.Read(&rec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if message%refusedOneIn != 0 {
			accepted.Credits.Count++
			accepted.Credits.Amount += rec.Amount
			continue
		}
		if err := w.Write(&ipm.Reply{Kind: ipm.MessageException, Exception: ipm.Exception{Faults: fault, Source: file, SourceMessage: message, Copy: in.Raw()}}); err != nil {
			return nil, err
		}
	}
	if err := w.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: accepted}); err != nil {
		return nil, err
	}
	_, err = w.Close()
	return out.Bytes(), err
}

// copyHeader begins a binary COPY.
var copyHeader = append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)

// linesOf returns the exceptions of a reply as rows of a binary COPY, byte for byte as they stand in it, and how many.
func linesOf(text []byte) (lines []byte, count int, err error) {
	r := ipm.NewReplyReader(bytes.NewReader(text), fileProfile, ipm.Options{})
	lines = append(lines, copyHeader...)
	var entry ipm.Reply
	for {
		err := r.Read(&entry)
		if errors.Is(err, io.EOF) {
			return append(lines, 0xff, 0xff), count, nil
		}
		if err != nil {
			return nil, 0, err
		}
		if entry.Kind == ipm.MessageException {
			count++
			lines = appendRow(lines, entry.Message, r.Raw())
		}
	}
}

// appendRow adds a row of a number and a line to a binary COPY.
func appendRow(dst []byte, message int64, line []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, 2)
	dst = binary.BigEndian.AppendUint32(dst, 8)
	dst = binary.BigEndian.AppendUint64(dst, uint64(message))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(line)))
	return append(dst, line...)
}

// storeReply puts a reply into the inbox of a simulated center and lets the night fetch it.
func (w *world) storeReply(ctx context.Context, owner *pgxpool.Pool, name string, text []byte) (id int64, err error) {
	root, err := os.MkdirTemp(w.temp, "center-")
	if err != nil {
		return 0, err
	}
	center, err := pcsim.New(pcsim.Options{Name: "BENCH", MemberID: "00000123456", Root: root, Users: []pcsim.User{{Name: "bench", Password: password}}})
	if err != nil {
		return 0, err
	}
	if err := center.Start(); err != nil {
		return 0, err
	}
	defer center.Close()
	if err := center.WriteFile("out/"+name, text); err != nil {
		return 0, err
	}
	pool, err := w.db.pool(ctx, 4)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	night, err := w.night(pool, remote.Config{Address: center.SFTPAddr(), User: "bench", Auth: []ssh.AuthMethod{ssh.Password(password)},
		HostKeys: []ssh.PublicKey{center.HostKey()}})
	if err != nil {
		return 0, err
	}
	for range 2 { // a file is fetched when two listings show it alike
		if _, err := night.Inbox.Fetch(ctx, centerID); err != nil {
			return 0, err
		}
	}
	err = owner.QueryRow(ctx, `SELECT reply_id FROM replies WHERE center_id = $1 AND name = $2`, centerID, name).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("reply %s was not fetched: %w", name, err)
	}
	return id, nil
}
