package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5/pgxpool"
)

// opened is a pool of the owner, and a vault.
func opened(t *testing.T) (*pgxpool.Pool, *vault.Vault) {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := vault.Generate(keys); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(keys)
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Owner(t, pgtest.DB(t)), v
}

// TestStoredChunksOpenInTheirPlace moves sealed chunks to each other place in turn: another number, another owner, the other table.
func TestStoredChunksOpenInTheirPlace(t *testing.T) {
	pool, v := opened(t)
	for name, move := range map[string]string{
		"nowhere":             `SELECT 1`,
		"to another number":   `UPDATE reply_chunks SET chunk_no = 1 - chunk_no + 10 WHERE reply_id = 7; UPDATE reply_chunks SET chunk_no = chunk_no - 10 WHERE reply_id = 7`,
		"to another reply":    `DELETE FROM reply_chunks WHERE reply_id = 7; UPDATE reply_chunks SET reply_id = 7 WHERE reply_id = 8`,
		"from a file's":       `DELETE FROM reply_chunks WHERE reply_id = 7; INSERT INTO reply_chunks (reply_id, chunk_no, bytes) SELECT file_id, chunk_no, bytes FROM file_chunks WHERE file_id = 7`,
		"changed by one byte": `UPDATE reply_chunks SET bytes = set_byte(bytes, 30, get_byte(bytes, 30) # 1) WHERE reply_id = 7`,
	} {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []struct {
			table Table
			owner int64
		}{{Replies, 7}, {Replies, 8}, {Files, 7}} {
			_, _, err := Write(t.Context(), tx, v, to.table, to.owner, func(_ context.Context, c *Cutter) error {
				for range 2 { // chunks
					if _, err := c.Write(bytes.Repeat([]byte("x"), chunkSize)); err != nil {
						return err
					}
				}
				return c.Flush()
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tx.Exec(t.Context(), move); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = Open(tx, v, Replies, 7).Next(t.Context())
		if name == "nowhere" && err != nil || name != "nowhere" && !(errors.Is(err, vault.ErrSealed) && errors.Is(err, ErrStoredBytes)) {
			t.Errorf("%s: %v", name, err)
		}
		_ = tx.Rollback(context.Background())
	}
}

// TestBuffersAreWiped: what a file was written from and read into is erased, in the buffers themselves, when the work is over.
func TestBuffersAreWiped(t *testing.T) {
	pool, v := opened(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	card := []byte("4111111111111111")
	var written []*chunk
	_, _, err = Write(t.Context(), tx, v, Replies, 7, func(_ context.Context, c *Cutter) error {
		for range 2*chunkSize/len(card) + 1 {
			if _, err := c.Write(card); err != nil {
				return err
			}
			if n := len(written); n == 0 || written[n-1] != c.current {
				written = append(written, c.current)
			}
		}
		return c.Flush()
	})
	if err != nil || len(written) < 3 {
		t.Fatalf("%d chunks, %v", len(written), err)
	}
	for i, c := range written {
		if c != nil && bytes.Contains(c.data[:cap(c.data)], card) {
			t.Errorf("chunk %d still holds a card number", i)
		}
	}
	ahead := Open(tx, v, Replies, 7).Ahead(t.Context(), func([]byte) {})
	begun := make([]byte, chunkSize) // and not read to the end
	if _, err := io.ReadFull(ahead, begun); err != nil || !bytes.Contains(begun, card) {
		t.Fatal(err)
	}
	held := ahead.held[:cap(ahead.held)]
	ahead.Close()
	if bytes.Contains(held, card) {
		t.Error("what was read ahead is still there")
	}
	stored := Open(tx, v, Replies, 7)
	var plain, pack [][]byte
	for {
		p, err := stored.Next(t.Context())
		if err != nil {
			break
		}
		if !bytes.Contains(p, card) {
			t.Fatal("what was read is not what was written")
		}
		plain, pack = append(plain, stored.plain[:cap(stored.plain)]), append(pack, stored.pack[:cap(stored.pack)])
	}
	for i := range plain {
		if len(plain) < 3 || bytes.Contains(plain[i], card) || bytes.Contains(pack[i], card) {
			t.Errorf("buffer %d of %d still holds a card number", i, len(plain))
		}
	}
}
