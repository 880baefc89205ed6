package app

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// sourceBehind tells where requests come from: the address of the peer or, where that is one of our proxies, the last
// address in X-Forwarded-For that is none of them. What stands before it anybody can have written.
func sourceBehind(proxies []netip.Prefix) func(*http.Request) string {
	return func(r *http.Request) string {
		from := addressOf(r.RemoteAddr)
		if !from.IsValid() {
			return r.RemoteAddr
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && within(proxies, from); i-- {
			hop := addressOf(strings.TrimSpace(hops[i]))
			if !hop.IsValid() {
				break
			}
			from = hop
		}
		return from.String()
	}
}

// secureBehind tells whether requests came over https: to us or, where one of our proxies passed them on, to it, as it says in
// X-Forwarded-Proto. Its own word is the last.
func secureBehind(proxies []netip.Prefix) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if r.TLS != nil {
			return true
		}
		said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","), ",")
		return within(proxies, addressOf(r.RemoteAddr)) && strings.EqualFold(strings.TrimSpace(said[len(said)-1]), "https")
	}
}

// addressOf reads an address, with or without a port; it is invalid when the text is none.
func addressOf(text string) netip.Addr {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}
