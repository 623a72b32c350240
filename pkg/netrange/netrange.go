// Package netrange tells which address ranges are wide enough to be called the
// world, and which ports of a range are among given ones.
package netrange

import (
	"fmt"
	"net/netip"
	"slices"
)

// World judges address ranges. NewWorld makes one.
type World struct {
	allowed            []netip.Prefix
	widestV4, widestV6 int
}

// The shortest prefix lengths that are not yet the world, for a policy that
// sets none: wider than any range a company announces, and narrow enough to
// catch a world that was cut in pieces.
const (
	WidestV4 = 8
	WidestV6 = 16
)

// NewWorld gives the judge by which a range is the world when its prefix is
// shorter than widestV4 or widestV6, unless it is private or lies in one of the
// allowed ranges. Ranges that Check refuses allow nothing.
func NewWorld(allowed []string, widestV4, widestV6 int) World {
	w := World{widestV4: widestV4, widestV6: widestV6}
	for _, s := range allowed {
		if p, err := netip.ParsePrefix(s); err == nil {
			w.allowed = append(w.allowed, plain(p))
		}
	}
	return w
}

// Check reports the first of the parameters allowed_cidrs, widest_v4 and
// widest_v6 that makes no sense.
func Check(allowed []string, widestV4, widestV6 int) error {
	for _, s := range allowed {
		r, err := netip.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("allowed_cidrs: %q is not an address range such as 192.0.2.0/24", s)
		}
		// 10.0.0.0/0 is a slip of the pen for 10.0.0.0/8, and would allow everything.
		if r != r.Masked() {
			return fmt.Errorf("allowed_cidrs: %q has bits set past its prefix length: the range is %s, write that if you mean it", s, r.Masked())
		}
	}
	if widestV4 < 1 || widestV4 > 32 {
		return fmt.Errorf("widest_v4: %d is not a prefix length from 1 to 32", widestV4)
	}
	if widestV6 < 1 || widestV6 > 128 {
		return fmt.Errorf("widest_v6: %d is not a prefix length from 1 to 128", widestV6)
	}
	return nil
}

// private are the ranges that the internet does not route to a host:
// RFC 1918, RFC 6598, RFC 4193 and link-local addresses.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/10"),
}

// mapped is where IPv6 holds all of IPv4 (RFC 4291, 2.5.5.2).
var mapped = netip.MustParsePrefix("::ffff:0:0/96")

// Is reports whether a range is wide enough to be called the world. What can't
// be parsed is not: whoever reads ranges must refuse such a one.
func (w World) Is(cidr string) bool {
	p, err := netip.ParsePrefix(cidr)
	return err == nil && w.Has(p)
}

// Has is Is of a parsed range.
func (w World) Has(p netip.Prefix) bool {
	p = plain(p)
	widest := w.widestV4
	if p.Addr().Is6() {
		widest = w.widestV6
		if inside(mapped, p) {
			widest = mapped.Bits() + 1
		}
	}
	if p.Bits() >= widest {
		return false
	}
	within := func(outer netip.Prefix) bool { return inside(p, outer) }
	return !slices.ContainsFunc(private, within) && !slices.ContainsFunc(w.allowed, within)
}

// plain gives a range without its host bits, and an IPv4-mapped one as IPv4.
func plain(p netip.Prefix) netip.Prefix {
	p = p.Masked()
	if inside(p, mapped) {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped.Bits())
	}
	return p
}

// inside reports whether every address of p is one of outer's.
func inside(p, outer netip.Prefix) bool {
	return outer.Bits() <= p.Bits() && outer.Contains(p.Addr())
}

// Without gives what is left of a range when the holes are taken out of it, as
// the fewest ranges, in order. Ranges of the other family take nothing out, and
// an IPv4-mapped range is IPv6 here: packets are of one family.
func Without(p netip.Prefix, holes []netip.Prefix) []netip.Prefix {
	p = p.Masked()
	cut := false
	for _, h := range holes {
		h = h.Masked()
		if inside(p, h) {
			return nil
		}
		cut = cut || inside(h, p)
	}
	if !cut {
		return []netip.Prefix{p}
	}
	low, high := halves(p)
	return append(Without(low, holes), Without(high, holes)...)
}

// halves gives the two ranges that a range wider than one address is made of.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits()
	raw := p.Addr().AsSlice()
	low = netip.PrefixFrom(p.Addr(), bits+1)
	raw[bits/8] |= 0x80 >> (bits % 8)
	upper, _ := netip.AddrFromSlice(raw)
	return low, netip.PrefixFrom(upper, bits+1)
}
