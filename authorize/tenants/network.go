package tenants

import "net/netip"

// network is where requests come from: an address of IPv4, a network of IPv6, or a name that is no address.
type network struct {
	prefix netip.Prefix
	name   string
}

// How much of an address of IPv6 makes a source. A customer has a /64, an organization a /48: whoever has one has all its addresses.
const (
	nearBits = 64
	wideBits = 48
)

// widely is how much more than of a source may come of a /48, in which there are many sources.
const widely = 10

// networksOf tells the source that an address stands for, and the wider network that it is in; wide is the zero network for what
// has none.
func networksOf(source string) (near, wide network) {
	a, err := netip.ParseAddr(source)
	if err != nil {
		return network{name: source}, network{}
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return network{prefix: netip.PrefixFrom(a, a.BitLen())}, network{}
	}
	return network{prefix: masked(a, nearBits)}, network{prefix: masked(a, wideBits)}
}

func masked(a netip.Addr, bits int) netip.Prefix { return netip.PrefixFrom(a, bits).Masked() }

// none tells that there is no such network.
func (n network) none() bool { return n == network{} }

// String is the network in writing: an address alone where it is one.
func (n network) String() string {
	switch {
	case n.name != "" || !n.prefix.IsValid():
		return n.name
	case n.prefix.IsSingleIP():
		return n.prefix.Addr().String()
	}
	return n.prefix.String()
}
