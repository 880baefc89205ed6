package main

import (
	"cmp"
	"runtime/debug"

	"settled/migrations"

	"github.com/spf13/cobra"
)

// version says what runs, and which schema it brings a database to.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; unknown where the build does not say it
	Go       string `json:"go"`
	Schema   int64  `json:"schema"`      // number of the newest migration
	Hash     string `json:"schema_hash"` // of all migrations: equal hashes make equal schemas
}

func newVersion() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "version", Short: "Say what runs and which schema it needs", Args: exactly(0), RunE: func(c *cobra.Command, _ []string) error {
		v, err := thisVersion()
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(c.OutOrStdout(), v)
		}
		t := table(c)
		t.row("settled", v.Version, "revision "+v.Revision)
		t.row("schema", v.Schema, v.Hash)
		t.row("go", v.Go)
		return t.flush()
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// thisVersion reads what the build and the migrations in it say.
func thisVersion() (v version, err error) {
	if v.Schema, err = migrations.Newest(); err != nil {
		return v, err
	}
	if v.Hash, err = migrations.Hash(); err != nil {
		return v, err
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version, v.Go = info.Main.Version, info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	v.Version, v.Revision = cmp.Or(v.Version, "unknown"), cmp.Or(v.Revision, "unknown")
	return v, nil
}
