package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"time"

	"settled/internal/config"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/keyring"

	"github.com/jackc/pgx/v5"
)

// ErrKeys is wrapped when the keys are not those that the database belongs to.
var ErrKeys = fmt.Errorf("%w: the keys are not those of the database", config.ErrInvalid)

// advice is what to do about it. New keys would start a second set, and nothing that is stored could be read with it.
const advice = "name the file with its keys in SETTLED_KEYS, or put its copy back from the safe place; do not make new ones: they read nothing of what is stored"

// openKeys opens the key file and proves that its keys are the database's. The first keys that are used, and those that a rotation
// added to known ones, are remembered.
func (c *Core) openKeys(ctx context.Context) error {
	v, err := OpenVault(c.Config, c.Environment.Keys)
	if errors.Is(err, fs.ErrNotExist) {
		return c.missingKeys(ctx, c.Pool, err)
	}
	if err != nil {
		return err
	}
	c.Vault = v
	return c.rememberKeys(ctx)
}

// rememberKeys proves that the keys are the database's, and stores those that are not known yet.
func (c *Core) rememberKeys(ctx context.Context) error {
	return postgres.InTx(ctx, c.Pool, postgres.Key{Name: "keys of the database"}, func(tx pgx.Tx) error {
		if err := keyring.Lock(ctx, tx); err != nil {
			return err
		}
		known, err := c.proveKeys(ctx, tx)
		if err != nil {
			return err
		}
		if err := c.remember(ctx, tx, known); err != nil {
			return err
		}
		return c.rememberRevoked(ctx, tx)
	})
}

// keysEvery is how long a process goes on with the keys before a rotation, at most.
const keysEvery = 10 * time.Second

// watchKeys takes up rotated keys until the server stops.
func (s *Server) watchKeys() {
	stop := repeat(keysEvery, s.renewKeys, func(err error) {
		if err != nil {
			s.Log.Error("the key file was changed, and its keys are not taken up", slog.Any("error", err))
		}
	})
	s.onStop(func(context.Context) error { stop(); return nil })
}

// renewKeys takes up the keys of a key file that was changed. The database knows them before anything is sealed under them. A file
// whose keys are not the database's changes nothing.
func (c *Core) renewKeys(ctx context.Context) error {
	if !c.Vault.Changed() {
		return nil
	}
	for known := (map[uint16][sha256.Size]byte)(nil); !maps.Equal(known, c.Vault.Marks()); { // a file may change again meanwhile
		later, err := OpenVault(c.Config, c.Environment.Keys)
		if err != nil {
			return err
		}
		if err := (&Core{Options: c.Options, Pool: c.Pool, Vault: later}).rememberKeys(ctx); err != nil {
			return err
		}
		if err := c.Vault.Reload(); err != nil {
			return err
		}
		known = later.Marks()
	}
	c.Log.Info("changed keys were taken up")
	return nil
}

// proveKeys proves that the keys are the database's, and returns those that it knows.
func (c *Core) proveKeys(ctx context.Context, q postgres.Querier) ([]keyring.Key, error) {
	known, err := keyring.Known(ctx, q)
	if err == nil && len(known) == 0 {
		err = c.opensWhatIsStored(ctx, q)
	}
	if err == nil {
		err = c.belong(known)
	}
	if err == nil {
		err = c.provenRevoked(ctx, q)
	}
	return known, err
}

// provenRevoked fails unless our keys say of every generation that the database knows to be revoked that it is.
func (c *Core) provenRevoked(ctx context.Context, q postgres.Querier) error {
	known, err := keyring.Revoked(ctx, q)
	ours := c.revoked()
	for _, r := range known {
		if _, is := ours[hashes{uint16(r.Generation), vault.Purpose(r.Purpose)}]; !is {
			return fmt.Errorf("%w: generation %d of %s was revoked on %s, and %s does not say so: it is a copy from before; %s", ErrKeys, r.Generation,
				r.Purpose, r.At.UTC().Format(time.DateOnly), c.Environment.Keys, advice)
		}
	}
	return err
}

// hashes names a generation of keyed hashes by its number and what it is for.
type hashes struct {
	generation uint16
	purpose    vault.Purpose
}

// revoked are the generations that our keys say are revoked.
func (c *Core) revoked() map[hashes]vault.Revocation {
	all := map[hashes]vault.Revocation{}
	for _, k := range c.Vault.HashKeys() {
		if k.Revoked != nil {
			all[hashes{k.Number, k.Purpose}] = *k.Revoked
		}
	}
	return all
}

// rememberRevoked stores the revocations that are not known yet: an old copy of the key file does not take them back.
func (c *Core) rememberRevoked(ctx context.Context, tx pgx.Tx) error {
	fresh := c.revoked()
	known, err := keyring.Revoked(ctx, tx)
	if err != nil {
		return err
	}
	for _, r := range known {
		delete(fresh, hashes{uint16(r.Generation), vault.Purpose(r.Purpose)})
	}
	for k, r := range fresh {
		err := keyring.Revoke(ctx, tx, keyring.Revocation{Generation: int32(k.generation), Purpose: string(k.purpose), At: r.At, Reason: r.Reason})
		if err != nil {
			return err
		}
		c.Log.WarnContext(ctx, "a generation of keys is revoked", slog.String("purpose", string(k.purpose)), slog.Int("generation", int(k.generation)),
			slog.Any("reason", r.Reason))
	}
	return nil
}

// CheckKeys proves that the keys of an installation are those of its database, and remembers nothing. It returns how many keys the
// database knows. Errors: ErrKeys, ErrEnvironment, and those of the key file.
func CheckKeys(ctx context.Context, q postgres.Querier, cfg *config.Config, path string) (known int, err error) {
	c := &Core{Options: Options{Config: cfg, Environment: config.Environment{Keys: path}}}
	c.Vault, err = OpenVault(cfg, path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, c.missingKeys(ctx, q, err)
	}
	if err != nil {
		return 0, err
	}
	keys, err := c.proveKeys(ctx, q)
	return len(keys), err
}

// missingKeys says what to do about a key file that is not there: the advice to make one is for a database without keys.
func (c *Core) missingKeys(ctx context.Context, q postgres.Querier, missing error) error {
	known, err := keyring.Known(ctx, q)
	switch {
	case err != nil:
		return errors.Join(missing, err)
	case len(known) == 0:
		return missing
	}
	return fmt.Errorf("%w: key file %s does not exist, and the database has belonged to keys since %s: %s", ErrKeys, c.Environment.Keys,
		known[0].FirstUsed.UTC().Format(time.DateOnly), advice)
}

// opensWhatIsStored tries the keys on a card of a database that was used before it remembered its keys.
func (c *Core) opensWhatIsStored(ctx context.Context, q postgres.Querier) error {
	card, err := keyring.AnyCard(ctx, q)
	if err != nil || card == nil {
		return err
	}
	if _, err := c.Vault.Unseal(card.Sealed, vault.CardBinding(nil, int64(card.Merchant), card.Order)); err != nil {
		return fmt.Errorf("%w: those of %s do not open the card of order %d: %s", ErrKeys, c.Environment.Keys, card.Order, advice)
	}
	return nil
}

// belong fails unless every key that the database belongs to is among ours.
func (c *Core) belong(known []keyring.Key) error {
	ours := c.Vault.Marks()
	for _, k := range known {
		mark, have := ours[uint16(k.Generation)]
		switch {
		case !have:
			return fmt.Errorf("%w: %s lacks key %d, used since %s: it is a copy from before a rotation; %s", ErrKeys, c.Environment.Keys,
				k.Generation, k.FirstUsed.UTC().Format(time.DateOnly), advice)
		case k.Environment != string(c.Vault.Environment()) || [sha256.Size]byte(k.Mark) != mark:
			return fmt.Errorf("%w: key %d of %s is another one than the database's, used since %s: %s", ErrKeys, k.Generation,
				c.Environment.Keys, k.FirstUsed.UTC().Format(time.DateOnly), advice)
		}
	}
	return nil
}

// purposes are what our keys are for, by number.
func (c *Core) purposes() map[uint16]string {
	all := map[uint16]string{}
	for _, k := range c.Vault.Keys() {
		all[k.Number] = "cards"
	}
	for _, k := range c.Vault.HashKeys() {
		all[k.Number] = string(k.Purpose) // of 0, which serves both, the last: fingerprints
	}
	return all
}

// remember stores the keys that are not known yet: the first ones, or what the owner of the known ones added.
func (c *Core) remember(ctx context.Context, tx pgx.Tx, known []keyring.Key) error {
	fresh, purposes := c.Vault.Marks(), c.purposes()
	for _, k := range known {
		delete(fresh, uint16(k.Generation))
	}
	for number, mark := range fresh {
		k := keyring.Key{Generation: int32(number), Environment: string(c.Vault.Environment()), Purpose: purposes[number], Mark: mark[:], FirstUsed: c.Now()}
		if err := keyring.Remember(ctx, tx, k); err != nil {
			return err
		}
	}
	return nil
}
