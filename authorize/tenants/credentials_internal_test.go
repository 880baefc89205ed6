package tenants

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPasswordHash(t *testing.T) {
	const known = "$argon2id$v=19$m=16,t=2,p=1$c29tZXNhbHQ$1/X8cmSjUrPFk3HHlG6vSg"
	h, err := parsePasswordHash(HashPassword("Secret2026Word"))
	if err != nil || !h.matches([]byte("Secret2026Word")) || h.matches([]byte("Secret2026word")) {
		t.Errorf("own hash: %v", err)
	}
	if _, err := parsePasswordHash(known); err != nil {
		t.Errorf("cheap but well-formed: %v", err)
	}
	for _, bad := range []string{"", "$2a$10$abc", strings.Replace(known, "argon2id", "argon2i", 1), strings.Replace(known, "m=16", "m=1000000", 1),
		strings.Replace(known, "t=2", "t=0", 1), strings.Replace(known, "v=19", "v=16", 1), known + "!", strings.Replace(known, "p=1", "p=400", 1)} {
		if _, err := parsePasswordHash(bad); !errors.Is(err, ErrPasswordHash) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func testCredentials(t *testing.T, now func() time.Time) *credentials {
	c, err := newCredentials(map[int32]Merchant{1: {Login: "shop", PasswordHash: HashPassword("right")}}, now, func(int32) {})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Many callers with the same password cost one computation; later ones cost none.
func TestCredentialsComputeOnce(t *testing.T) {
	c := testCredentials(t, time.Now)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if err := c.verify(context.Background(), 1, []byte("shop"), []byte("right"), "a"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	c.turns.strangers, c.turns.places = 0, 0 // nothing can be computed any more
	if err := c.verify(context.Background(), 1, []byte("shop"), []byte("right"), "a"); err != nil {
		t.Errorf("not remembered: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.verify(ctx, 1, []byte("shop"), []byte("other"), "a"); !errors.Is(err, ErrBusy) {
		t.Errorf("no place: %v", err)
	}
}

// An unknown merchant is computed like a known one and told alike.
func TestCredentialsOfNobody(t *testing.T) {
	c := testCredentials(t, time.Now)
	ctx := context.Background()
	for merchant, login := range map[int32]string{1: "wrong", 2: "shop"} {
		if err := c.verify(ctx, merchant, []byte(login), []byte("right"), "a"); !errors.Is(err, errWrongCredentials) {
			t.Errorf("%d %s: %v", merchant, login, err)
		}
	}
	if c.nobody.hash.memory != hashMemory || c.nobody.hash.time != hashTime {
		t.Errorf("nobody costs %+v", c.nobody.hash)
	}
}

func TestGenerationsForget(t *testing.T) {
	g := Generations[int, int]{Limit: 100}
	for i := range 1000 {
		g.Put(i, i)
	}
	if _, ok := g.Get(999); !ok {
		t.Error("the newest is forgotten")
	}
	if _, ok := g.Get(0); ok || len(g.young)+len(g.old) > 100 {
		t.Errorf("%d kept", len(g.young)+len(g.old))
	}
}
