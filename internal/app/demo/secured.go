package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"settled/fileformats/iso8583"
)

// macKey is what a center of the demo shares with us for the codes of its messages.
func (c cast) macKey() []byte {
	key := sha256.Sum256([]byte("codes of " + c.name))
	return key[:]
}

// mac makes the codes of a center's messages; nil where there are none.
func (c cast) mac() (*iso8583.MAC, error) {
	if !c.secured {
		return nil, nil
	}
	return iso8583.NewMAC(iso8583.AESCMAC, c.macKey())
}

// keepSecrets writes what a secured center gave us beside the configuration: its certificate, and the key of the codes.
func (s *stage) keepSecrets(c cast) error {
	if !c.secured {
		return nil
	}
	if err := os.WriteFile(filepath.Join(s.dir, c.name+".pem"), s.centers[c.name].Certificate(), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, c.name+".mac"), []byte(hex.EncodeToString(c.macKey())), 0o600)
}
