package netrange_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/netrange"
)

func TestWorld(t *testing.T) {
	t.Parallel()
	w := netrange.NewWorld([]string{"52.0.0.0/6", "fd00::/8"}, netrange.WidestV4, netrange.WidestV6)
	for cidr, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "208.236.235.254/0": true, "128.0.0.0/1": true, "60.0.0.0/7": true,
		"52.0.0.0/6": false, "54.0.0.0/7": false, "48.0.0.0/5": true, "60.0.0.0/8": false, "10.0.0.0/8": false,
		"2000::/3": true, "2600::/24": false, "fc00::/7": false,
		"::ffff:0:0/96": true, "::ffff:128.0.0.0/97": true, "::/80": true, "::ffff:10.0.0.0/104": false,
		"0/0": false, "": false, "192.0.2.1": false,
	} {
		if got := w.Is(cidr); got != want {
			t.Errorf("Is(%q) = %v, want %v", cidr, got, want)
		}
	}
}

func TestWithout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from string
		holes      []string
		want       []string
	}{
		{"nothing taken", "0.0.0.0/0", nil, []string{"0.0.0.0/0"}},
		{"host bits", "10.1.2.3/8", nil, []string{"10.0.0.0/8"}},
		{"all of it", "10.0.0.0/8", []string{"0.0.0.0/0"}, nil},
		{"all in two halves", "0.0.0.0/0", []string{"128.0.0.0/1", "0.0.0.0/1"}, nil},
		{"one half", "0.0.0.0/0", []string{"0.0.0.0/1"}, []string{"128.0.0.0/1"}},
		{"a quarter from the middle", "0.0.0.0/0", []string{"64.0.0.0/2"}, []string{"0.0.0.0/2", "128.0.0.0/1"}},
		{"elsewhere", "10.0.0.0/8", []string{"192.168.0.0/16"}, []string{"10.0.0.0/8"}},
		{"one address of two", "192.0.2.0/31", []string{"192.0.2.1/32"}, []string{"192.0.2.0/32"}},
		{"IPv6", "::/0", []string{"8000::/1", "4000::/2"}, []string{"::/2"}},
		{"the other family", "::/0", []string{"0.0.0.0/0"}, []string{"::/0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range netrange.Without(netip.MustParsePrefix(tt.from), prefixes(tt.holes)) {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

func prefixes(cidrs []string) (out []netip.Prefix) {
	for _, c := range cidrs {
		out = append(out, netip.MustParsePrefix(c))
	}
	return out
}

// TestWithoutKeepsWhatNoHoleHolds looks at every address of small ranges.
func TestWithoutKeepsWhatNoHoleHolds(t *testing.T) {
	t.Parallel()
	ranges := rapid.Custom(func(t *rapid.T) netip.Prefix {
		addr := netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "last")})
		return netip.PrefixFrom(addr, rapid.IntRange(22, 32).Draw(t, "bits"))
	})
	rapid.Check(t, func(t *rapid.T) {
		from, holes := ranges.Draw(t, "range"), rapid.SliceOfN(ranges, 0, 5).Draw(t, "holes")
		left := netrange.Without(from, holes)
		has := func(ps []netip.Prefix, a netip.Addr) (n int) {
			for _, p := range ps {
				if p.Contains(a) {
					n++
				}
			}
			return n
		}
		for last := range 256 {
			a := netip.AddrFrom4([4]byte{192, 0, 2, byte(last)})
			want := 0
			if from.Contains(a) && has(holes, a) == 0 {
				want = 1
			}
			if got := has(left, a); got != want {
				t.Fatalf("%s is in %d of %v, want %d", a, got, left, want)
			}
		}
	})
}

func TestPorts(t *testing.T) {
	t.Parallel()
	p := netrange.NewPorts([]int{3389, 22, 22, 21})
	tests := []struct {
		from, to int32
		want     []int
	}{
		{0, 65535, []int{21, 22, 3389}}, {22, 22, []int{22}}, {22, 3388, []int{22}}, {23, 3388, nil}, {3389, 65535, []int{3389}}, {30, 20, nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, p.In(tt.from, tt.to), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("In(%d, %d) (-want +got):\n%s", tt.from, tt.to, diff)
		}
	}
	for want, ports := range map[string][]int{
		"port 22 is risky": {22}, "ports 22 and 3389 are risky": {22, 3389}, "ports 1, 2, 3, 4, 5, 6 and 2 more are risky": {1, 2, 3, 4, 5, 6, 7, 8},
	} {
		if got := netrange.Are(ports, "risky"); got != want {
			t.Errorf("Are(%v) = %q, want %q", ports, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		allowed []string
		v4, v6  int
		want    string
	}{
		{"fine", []string{"0.0.0.0/0", "2001:db8::/32"}, 8, 16, ""},
		{"no range", []string{"everywhere"}, 8, 16, `allowed_cidrs: "everywhere" is not an address range such as 192.0.2.0/24`},
		{"host bits", []string{"10.0.0.0/0"}, 8, 16, `allowed_cidrs: "10.0.0.0/0" has bits set past its prefix length: the range is 0.0.0.0/0, write that if you mean it`},
		{"no length of IPv4", nil, 0, 16, "widest_v4: 0 is not a prefix length from 1 to 32"},
		{"no length of IPv6", nil, 8, 129, "widest_v6: 129 is not a prefix length from 1 to 128"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := netrange.Check(tt.allowed, tt.v4, tt.v6); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
		})
	}
	if err := netrange.CheckPorts("ports", []int{22, 65536}); err == nil || err.Error() != "ports: 65536 is not a port, 0 to 65535" {
		t.Errorf("CheckPorts = %v", err)
	}
}
