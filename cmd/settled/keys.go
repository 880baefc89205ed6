package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/internal/vault"
	"settled/settle/credential"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

// onKeyFile is a command that changes the vault's key file, and leaves an event of that.
func onKeyFile(use, short string, of deed, do func(c *cobra.Command, path string) error) *cobra.Command {
	why := of.reason
	if why == nil {
		why = new(string)
	}
	c := &cobra.Command{Use: use, Short: short, Args: exactly(0), Annotations: map[string]string{eventOf: string(of.kind)}, RunE: func(c *cobra.Command, _ []string) error {
		env, err := environment()
		if err != nil {
			return err
		}
		if of.looks != nil && of.looks() {
			return do(c, env.Keys)
		}
		if err := checkReason(*why); err != nil {
			return err
		}
		e := events.Event{Kind: of.kind, Object: events.Object{Kind: "key file", ID: events.Clip(env.Keys)}, After: asked(c), Reason: events.Clip(*why)}
		return onFiles(c, e, func(*events.Event) error { return do(c, env.Keys) })
	}}
	if of.reason == nil {
		c.Flags().StringVar(why, "reason", "", of.flagHelp())
	}
	return c
}

func newKeys() *cobra.Command {
	var environment, place string
	fresh := onKeyFile("new", "Make the vault's key file (SETTLED_KEYS), which must not exist", deed{kind: events.KeysNew}, func(c *cobra.Command, path string) error {
		if !vault.Environment(environment).Valid() {
			return usageError{fmt.Errorf("--environment is test or live, not %q", environment)}
		}
		at, err := placeOfKey(place, vault.Environment(environment) == vault.Live)
		if err != nil {
			return err
		}
		if err := vault.GenerateFor(path, vault.Environment(environment), at); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s keys; keep a copy in a safe place: without it no stored card number can be read\n", path, environment)
		return nil
	})
	fresh.Flags().StringVar(&environment, "environment", "test", "what the keys are for, test or live; cannot be changed")
	fresh.Flags().StringVar(&place, "kek", "", kekUsage)
	var to string
	move := onKeyFile("move", "Seal the data keys anew, under a new key-encrypting key in another place", deed{kind: events.KeysMove}, func(c *cobra.Command, path string) error {
		at, err := placeOfKey(to, true)
		if err != nil {
			return err
		}
		if err := vault.Move(path, at); err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: sealed by the key of %s; destroy the key before, and copies of the file that it opens\n", path, to)
		return nil
	})
	move.Flags().StringVar(&to, "kek", "", kekUsage)
	return group("keys", "Manage the keys of the vault: those that seal cards, and those of links and fingerprints", fresh, newKeysList(), newKeysRotate(), newKeysRevoke(), newKeysRenew(), move)
}

const kekUsage = "where the key that seals the file's keys is kept: file:PATH (made), env:NAME or command:PROGRAM (32 bytes in base64, there already)"

// placeOfKey reads where a key-encrypting key is kept. Without a word it is the key file itself, unless it has to be kept apart.
func placeOfKey(text string, apart bool) (vault.Place, error) {
	if text == "" && !apart {
		return vault.Place{}, nil
	}
	at, err := vault.ParsePlace(text)
	if err != nil {
		return at, usageError{fmt.Errorf("--kek: %w", err)}
	}
	return at, nil
}

// keyLine is a key of the vault. Generation 0 of fingerprints and of links is one key.
type keyLine struct {
	Number  uint16     `json:"number"`
	For     string     `json:"for"`   // cards, links or fingerprints
	State   string     `json:"state"` // active, retired or revoked
	Check   string     `json:"check_value"`
	Created time.Time  `json:"created_at"`
	Revoked *time.Time `json:"revoked_at,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}

func keyLines(v *vault.Vault) (all []keyLine) {
	for _, k := range v.Keys() {
		all = append(all, keyLine{Number: k.Number, For: "cards", State: stateOfKey(k.Active, false), Check: k.Check, Created: k.Created})
	}
	for _, k := range v.HashKeys() {
		line := keyLine{Number: k.Number, For: string(k.Purpose), State: stateOfKey(k.Newest, k.Revoked != nil), Check: k.Check, Created: k.Created}
		if k.Revoked != nil {
			line.Revoked, line.Reason = &k.Revoked.At, k.Revoked.Reason
		}
		all = append(all, line)
	}
	return all
}

func stateOfKey(newest, revoked bool) string {
	switch {
	case revoked:
		return "revoked"
	case newest:
		return "active"
	}
	return "retired"
}

func newKeysList() *cobra.Command {
	return atCounter("list", "List the keys of the vault and what each is for, without anything of them", exactly(0), func(c *counter, _ []string) error {
		v, err := vault.Open(c.environment.Keys)
		if err != nil {
			return err
		}
		all := keyLines(v)
		return c.print(all, func(t *rows) {
			t.row("key", "for", "state", "check value", "since", "reason")
			for _, k := range all {
				t.row(k.Number, k.For, k.State, k.Check, k.Created.Format(time.DateOnly), otherwise(k.Reason, "-"))
			}
		})
	})
}

func newKeysRotate() *cobra.Command {
	var links, prints bool
	c := onKeyFile("rotate", "Add a new active key for cards, links or fingerprints; the others only open and are only believed from now on", deed{kind: events.KeysRotate}, func(c *cobra.Command, path string) error {
		if links && prints {
			return usageError{errors.New("--links and --fingerprints: one at a time")}
		}
		do, what := vault.Rotate, "cards"
		if links || prints {
			p := vault.Links
			if prints {
				p = vault.Prints
			}
			do, what = func(path string) (vault.KeyInfo, error) { return vault.RotateHashes(path, p) }, string(p)
		}
		key, err := do(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "key %d is active for %s, check value %s\n", key.Number, what, key.Check)
		return nil
	})
	c.Flags().BoolVar(&links, "links", false, "the key of what the payment page hands to browsers: addresses of orders, forms, ways through 3-D Secure")
	c.Flags().BoolVar(&prints, "fingerprints", false, "the key by which repeats of requests and stored cards are known again")
	return c
}

var (
	errNoCause    = usageError{errors.New("say with --reason why the generation is revoked; it is kept with the keys")}
	errNotRevoked = usageError{errors.New("nothing was revoked: repeat with --yes; there is no way back")}
)

// What revoking a generation does, for whoever reads it before he says --yes.
var revoking = map[vault.Purpose]string{
	vault.Links: "addresses of orders, open pages and ways through 3-D Secure that were made under it are refused at once; shops send their buyers again",
	vault.Prints: "repeats of requests from before are refused where nobody can tell that they repeat; a buyer whose stored cards are known by it alone stores no other " +
		"until settled keys renew, which knows them anew",
}

func newKeysRevoke() *cobra.Command {
	var links, prints int
	var reason string
	var yes bool
	of := deed{kind: events.KeysRevoke, reason: &reason, looks: func() bool { return !yes }}
	c := onKeyFile("revoke", "Make a generation of links or fingerprints good for nothing, at once and for ever", of, func(c *cobra.Command, path string) error {
		p, generation := vault.Links, links
		if !c.Flags().Changed("links") {
			p, generation = vault.Prints, prints
		}
		switch {
		case c.Flags().Changed("links") == c.Flags().Changed("fingerprints"):
			return usageError{errors.New("say one of --links GENERATION and --fingerprints GENERATION; settled keys list has them")}
		case generation < 0 || generation > 1<<16-1:
			return usageError{fmt.Errorf("%d is no generation; settled keys list has them", generation)}
		case reason == "":
			return errNoCause
		}
		if err := checkReason(reason); err != nil {
			return err
		}
		if !yes {
			fmt.Fprintf(c.OutOrStdout(), "generation %d of %s: %s\n", generation, p, revoking[p])
			return errNotRevoked
		}
		added, err := vault.Revoke(path, p, uint16(generation), vault.Revocation{At: time.Now(), Reason: reason})
		if err != nil {
			return err
		}
		fmt.Fprintf(c.OutOrStdout(), "generation %d of %s is revoked\n", generation, p)
		if added != nil {
			fmt.Fprintf(c.OutOrStdout(), "key %d is active for %s, check value %s\n", added.Number, p, added.Check)
		}
		return nil
	})
	c.Flags().IntVar(&links, "links", 0, "generation of links to revoke")
	c.Flags().IntVar(&prints, "fingerprints", 0, "generation of fingerprints to revoke")
	c.Flags().StringVar(&reason, "reason", "", "why, such as where the key was seen; kept with the keys and in the database")
	c.Flags().BoolVar(&yes, "yes", false, "do it: there is no way back")
	return c
}

func newKeysRenew() *cobra.Command {
	return act("renew", "Seal every stored card anew: under the active key, bound to its buyer, known by the newest fingerprint", 0, deed{kind: events.KeysRenew}, func(ctx context.Context, d *desk, _ []string) error {
		done, err := credential.NewStore(d.Pool, d.Vault, d.Now).Renew(ctx)
		if err != nil {
			return err
		}
		err = d.print(done, func(t *rows) {
			t.row(fmt.Sprintf("%d stored cards and consents renewed", done.Renewed))
			for _, id := range done.Broken {
				t.row(fmt.Sprintf("%s does not open, and was left as it is: settled audit says more", id))
			}
			for _, id := range done.Doubled {
				t.row(fmt.Sprintf("%s is the same card of the same buyer as another, and was left as it is", id))
			}
		})
		if err == nil && len(done.Broken)+len(done.Doubled) > 0 {
			err = errRed
		}
		return err
	})
}
