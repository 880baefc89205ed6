package pcsim

import (
	"fmt"
	"net/url"
	"strings"

	"settled/internal/money"
)

// ownMember is the bank's own id in the scheme.
const ownMember = "100000000900"

// schemeHost is where payloads lead: a reserved example name in place of the scheme's host.
const schemeHost = "https://qr.nspk.example"

// member is a bank of the scheme that a buyer can choose. The names are invented.
type member struct {
	ID     string `json:"id"`
	NameRU string `json:"name_ru"`
	NameEN string `json:"name_en"`
	Scheme string `json:"scheme"`
	WebURL string `json:"web_url"`
}

var members = []member{
	{ID: ownMember, NameRU: "Тестовый банк", NameEN: "Test Bank", Scheme: "bank100000000900"},
	{ID: "100000000901", NameRU: "Банк «Ромашка»", NameEN: "Romashka Bank", Scheme: "bank100000000901"},
	{ID: "100000000902", NameRU: "Северный берег", NameEN: "North Shore Bank", Scheme: "bank100000000902"},
	{ID: "100000000903", NameRU: "Банк «Берёза»", NameEN: "Bereza Bank", Scheme: "bank100000000903"},
	{ID: "100000000904", NameRU: "Речной кредит", NameEN: "River Credit", Scheme: "bank100000000904"},
}

func memberName(id string) string {
	for _, m := range members {
		if m.ID == id {
			return m.NameEN
		}
	}
	return id
}

// payload is the URL behind a dynamic QR. The sum is in minor units whatever the unit of the API, and the checksum
// covers all before it.
func (b *Bank) payload(qr string, a money.Amount) string {
	base := schemeHost + "/"
	if b.opt.OwnPayloads {
		base = b.URL() + "/qr/"
	}
	text := fmt.Sprintf("%s%s?type=02&bank=%s&sum=%d&cur=%s", base, qr, ownMember, a.Minor, a.Currency)
	return fmt.Sprintf("%s&crc=%04X", text, crc16(text))
}

// crc16 is CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, neither reflected nor inverted.
func crc16(text string) uint16 {
	crc := uint16(0xffff)
	for i := range len(text) {
		crc ^= uint16(text[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}

// qrOf finds the QR id in a payload, an app link or the id itself.
func qrOf(ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	path := strings.TrimSuffix(u.Path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
