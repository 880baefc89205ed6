package main

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"

	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

// linkSettings are the flags that secure the online host.
type linkSettings struct {
	certificate, clients string
	mac, key             string
}

func linkFlags(f *flag.FlagSet, s *settings) {
	f.BoolVar(&s.TLS, "tls", false, "speak TLS on the online host, under a certificate that signs itself")
	f.StringVar(&s.link.certificate, "tls-certificate", "", "file that the certificate is written to (PEM)")
	f.StringVar(&s.link.clients, "tls-clients", "", "file with the authorities of certificates that clients must show (PEM)")
	f.StringVar(&s.link.mac, "mac", "", "authentication codes of messages: aes-cmac or hmac-sha256; empty for none")
	f.StringVar(&s.link.key, "mac-key", "", "key of these codes, in hexadecimal digits")
}

// resolve turns names and files into options.
func (s linkSettings) resolve(o *pcsim.Options) error {
	if s.certificate != "" && !o.TLS {
		return errors.New("-tls-certificate is for -tls")
	}
	if s.clients != "" {
		text, err := os.ReadFile(s.clients)
		if err != nil {
			return err
		}
		if o.ClientCAs = x509.NewCertPool(); !o.ClientCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s holds no certificate in PEM", s.clients)
		}
	}
	if s.mac == "" {
		return nil
	}
	key, err := hex.DecodeString(s.key)
	if err != nil {
		return errors.New("-mac-key is not in hexadecimal digits")
	}
	o.MAC, err = iso8583.NewMAC(iso8583.MACAlgorithm(s.mac), key)
	return err
}

// keep writes the certificate for the other side.
func (s linkSettings) keep(center *pcsim.Center) error {
	if s.certificate == "" {
		return nil
	}
	return os.WriteFile(s.certificate, center.Certificate(), 0o600)
}

// introduce says what secures the online host; empty: nothing does.
func (s linkSettings) introduce(o pcsim.Options) (text string) {
	if o.TLS {
		text = ", TLS"
	}
	if o.ClientCAs != nil {
		text += " with certificates of clients"
	}
	if s.mac != "" {
		text += ", codes by " + s.mac
	}
	return text
}
