package notify

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// ErrAddress is wrapped when the address of a merchant's server may not be connected to.
var ErrAddress = errors.New("notify: address is not allowed")

// ports are those that a merchant's server may listen on.
var ports = []uint16{443, 8443, 80, 8080}

// special are the networks of IPv4 that are not the public Internet (IANA special-purpose address registry), and the address
// at which one cloud serves secrets of its machines.
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32")

// global is what of IPv6 is the public Internet, and special6 what of that is not: addresses that carry an IPv4 address
// within (Teredo, 6to4), and those for protocols and documents.
var (
	global   = netip.MustParsePrefix("2000::/3")
	special6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
	nat64    = netip.MustParsePrefix("64:ff9b::/96") // the IPv4 address is the last four bytes
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Public tells that an address is one of the public Internet, whatever form it is written in.
func Public(a netip.Addr) bool {
	if a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	if a.Is4() {
		return !slices.ContainsFunc(special, within)
	}
	return global.Contains(a) && !slices.ContainsFunc(special6, within)
}

// checkAddress refuses to connect to address, an IP address with a port.
func checkAddress(address string) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q", ErrAddress, address)
	}
	if !Public(a.Addr()) {
		return fmt.Errorf("%w: %s is not in the public Internet", ErrAddress, a.Addr())
	}
	if !slices.Contains(ports, a.Port()) {
		return fmt.Errorf("%w: port %d is none of %v", ErrAddress, a.Port(), ports)
	}
	return nil
}
