package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"settled/internal/money"
	"settled/internal/pcsim"
)

// shopSettings are the flags of the shop.
type shopSettings struct {
	pcsim.ShopOptions
	listen     string
	merchant   int
	currencies string
}

func shopFlags(f *flag.FlagSet, s *shopSettings) {
	f.StringVar(&s.listen, "shop", "", "listen address of a shop for people; empty for none")
	f.StringVar(&s.Name, "shop-name", "Test Shop", "name of the shop")
	f.StringVar(&s.Gateway, "shop-gateway", "http://127.0.0.1:8080", "where the gateway is, for browsers and for the shop")
	f.StringVar(&s.Public, "shop-url", "", "what browsers and the gateway reach the shop under; empty: its listen address")
	f.IntVar(&s.merchant, "shop-merchant", 0, "Merchant_ID of the shop")
	f.StringVar(&s.Login, "shop-login", "", "Login of its web services")
	f.StringVar(&s.Password, "shop-password", "", "Password of its web services; better given as PCSIM_SHOP_PASSWORD")
	f.StringVar(&s.SecretWord, "shop-secret-word", "", "secret word of its check values; better given as PCSIM_SHOP_SECRET_WORD")
	f.StringVar(&s.SigningKey, "shop-signing-key", "", "key that signs its notifications (whsec_...); better given as PCSIM_SHOP_SIGNING_KEY")
	f.StringVar(&s.currencies, "shop-currencies", "RUB,USD", "what it sells in, its own currency first: RUB, BYN, USD, EUR")
}

// resolve turns words into options.
func (s *shopSettings) resolve() error {
	if s.listen == "" {
		return nil
	}
	if s.merchant < 1 || s.merchant > 1<<31-1 {
		return errors.New("-shop needs -shop-merchant, a Merchant_ID")
	}
	s.Addr, s.Merchant = s.listen, int32(s.merchant)
	for word := range strings.SplitSeq(s.currencies, ",") {
		c, err := money.ParseCurrency(strings.TrimSpace(word))
		if err != nil {
			return fmt.Errorf("-shop-currencies: %w", err)
		}
		s.Currencies = append(s.Currencies, c)
	}
	return nil
}

// serveShop runs the shop until stop is called; nil when there is to be none. bank may be nil.
func serveShop(s shopSettings, bank *pcsim.Bank) (shop *pcsim.Shop, stop func() error, err error) {
	if s.listen == "" {
		return nil, func() error { return nil }, nil
	}
	if bank != nil {
		s.BankPage = bank.URL() + "/qr/"
	}
	if shop, err = pcsim.NewShop(s.ShopOptions); err != nil {
		return nil, nil, err
	}
	if err := shop.Start(); err != nil {
		return nil, nil, errors.Join(err, shop.Close())
	}
	return shop, shop.Close, nil
}

// introduceShop prints where the shop is.
func introduceShop(w *tabwriter.Writer, shop *pcsim.Shop) {
	if shop != nil {
		fmt.Fprintf(w, "shop\t%s, notifications to %s\n", shop.URL(), shop.NoticeURL())
	}
}
