package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"settled/internal/config"
	"settled/internal/money"
	"settled/internal/pcsim"
)

// instantName is the center of instant payments; its partner bank is played by pcsim.
const instantName = "FPS"

const instantID = 9

// bankLate is how long after the end of its code a payment that the bank was slow with arrives: the order is closed by then.
const bankLate = 30 * time.Minute

// What the partner bank and the 3-D Secure server share with us.
const (
	worldKey    = "settled"
	worldSecret = "the demo is not a secret"
	secretFile  = "world.secret"
)

// startWorld starts what is around merchants besides the centers: the partner bank of instant payments, the 3-D Secure
// server with the banks behind it, and the merchants' own servers.
func (s *stage) startWorld(context.Context) error {
	if err := os.WriteFile(filepath.Join(s.dir, secretFile), []byte(worldSecret), 0o600); err != nil {
		return err
	}
	var err error
	s.bank, err = pcsim.NewBank(pcsim.BankOptions{Name: "Test Bank", Seed: s.Seed, Now: s.clock.Now, KeyID: worldKey, Secret: []byte(worldSecret),
		OwnPayloads: true, LateBy: bankLate})
	if err != nil {
		return err
	}
	s.onTakeDown(s.bank.Close)
	s.acs, err = pcsim.NewACS(pcsim.ACSOptions{Seed: s.Seed, Now: s.clock.Now, KeyID: worldKey, Secret: []byte(worldSecret)})
	if err != nil {
		return err
	}
	s.onTakeDown(s.acs.Close)
	return errors.Join(s.bank.Start(), s.acs.Start(), s.startShops(), s.serveStatus())
}

// serveStatus serves the status page of each center.
func (s *stage) serveStatus() error {
	s.statuses = map[string]string{}
	for name, center := range s.centers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("serve the status of center %s: %w", name, err)
		}
		server := &http.Server{Handler: center, ReadHeaderTimeout: 5 * time.Second}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.Serve(l)
		}()
		s.onTakeDown(func() error { err := server.Close(); <-done; return err })
		s.statuses[name] = "http://" + l.Addr().String() + "/"
	}
	return nil
}

// startShops starts the merchants' servers: buyers come back to them, and the gateway notifies some of them.
func (s *stage) startShops() error {
	s.fronts = map[*Shop]*pcsim.Shop{}
	for _, shop := range s.shops {
		front, err := pcsim.NewShop(pcsim.ShopOptions{Name: shop.Name, Merchant: shop.ID, SecretWord: shop.SecretWord, SigningKey: shop.SigningKey, Login: shop.Login,
			Password: shop.Password, NoDelimiters: shop.Undivided, Windows1251: shop.Old, Currencies: []money.Currency{shop.Currency, money.USD, money.EUR}, Now: s.clock.Now,
			BankPage: s.bank.URL() + "/qr/", Client: &http.Client{Timeout: time.Minute}})
		if err == nil {
			err = errors.Join(os.WriteFile(filepath.Join(s.dir, shop.signingFile()), []byte(shop.SigningKey), 0o600), front.Start())
		}
		if err != nil {
			return err
		}
		s.onTakeDown(front.Close)
		s.fronts[shop] = front
	}
	return nil
}

// deafHour is when the server of one merchant is down on the first day: what it is not told then, it is told again.
func (p *play) deafHour(from time.Time) {
	front := p.fronts[p.shops[deafShop]]
	p.agenda.add(from.Add(18*time.Hour), func(context.Context) error { front.SetDeaf(true); return nil })
	p.agenda.add(from.Add(19*time.Hour), func(context.Context) error { front.SetDeaf(false); return nil })
}

// deafShop is the merchant whose server is down for an hour.
const deafShop = 0

// introduceWorld tells the bank and the shops where the gateway is.
func (s *stage) introduceWorld() error {
	api := "http://" + s.server.APIAddr
	for _, front := range s.fronts {
		front.SetGateway(api)
	}
	return s.bank.SetNotifyURL(api + "/instant/" + instantName + "/notice")
}

// instantFile is the center of instant payments. A code can be paid as long as its order, so what comes after its end comes
// after that of the order; it is adopted.
func (s *stage) instantFile() config.CenterFile {
	return config.CenterFile{ID: instantID, Name: instantName, Zone: zone, Costs: config.CostsFile{Processing: 3},
		Capabilities: config.CapabilitiesFile{Instant: true, Refund: "online", Inquiry: true},
		Instant: &config.InstantFile{URL: s.bank.URL(), KeyID: worldKey, SecretFile: secretFile, Unit: "rubles", Timeout: patience, QRTTL: time.Hour,
			LatePaid: "adopt"}}
}

// rates are the exchange rates of the demo's days, for the shops that convert.
func rates() []config.RateFile {
	return []config.RateFile{
		{From: "USD", To: "RUB", Rate: "92.4150", Source: "Demo rates of 2 March", ValidFrom: "2026-03-02"},
		{From: "EUR", To: "RUB", Rate: "99.8700", Source: "Demo rates of 2 March", ValidFrom: "2026-03-02"},
	}
}
