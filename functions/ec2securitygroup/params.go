package ec2securitygroup

import (
	"fmt"
	"net/netip"
	"slices"
)

// Params is what a policy may set.
type Params struct {
	RiskyPorts   []int    `json:"risky_ports" jsonschema:"TCP and UDP ports that no rule may open to the world. A rule for a range that holds one of them, for all ports or for all protocols opens it too. A list given here replaces the default one."`
	AllowedCIDRs []string `json:"allowed_cidrs" jsonschema:"IPv4 and IPv6 address ranges, however wide, that rules may name, whole or in part: an office's or a partner's."`
	WidestV4     int      `json:"widest_v4" jsonschema:"The shortest IPv4 prefix length that is not yet the world. With 8, 0.0.0.0/1 is the world (two such rules cover it all) and 52.0.0.0/8 is not. Private ranges never are."`
	WidestV6     int      `json:"widest_v6" jsonschema:"The shortest IPv6 prefix length that is not yet the world. With 16, 2000::/3 is the world (all public addresses lie in it) and 2600:1f00::/24 is not. Private ranges never are."`
}

// Defaults gives the parameters that hold where a policy sets none.
//
// The ports are those that AWS's control EC2.19 calls high risk, without the
// ones that serve the public by design (mail: 25, 110, 143; web applications:
// 3000, 5000, 8080, 8088, 8888), and the other remote shells, file shares,
// databases, caches, queues and control planes that are never meant for it.
// https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-19
//
// The prefix lengths are wider than any range a company announces, and catch
// a world that was cut in pieces.
func Defaults() Params {
	return Params{
		RiskyPorts: []int{
			20, 21, // FTP
			22, 23, // SSH, telnet
			69,                 // TFTP
			111,                // portmapper
			135, 137, 138, 139, // Windows RPC, NetBIOS
			161,           // SNMP
			389,           // LDAP
			445,           // SMB
			512, 513, 514, // rexec, rlogin, rsh
			873,        // rsync
			1433, 1434, // SQL Server
			1521,       // Oracle
			2049,       // NFS
			2375, 2376, // Docker
			2379, 2380, // etcd
			3306,       // MySQL
			3389,       // RDP
			4333,       // mSQL
			5432, 5439, // PostgreSQL, Redshift
			5500, 5900, // VNC
			5601,       // Kibana
			5984,       // CouchDB
			5985, 5986, // WinRM
			6379,       // Redis
			7000, 7001, // Cassandra
			9042,       // Cassandra
			9092,       // Kafka
			9200, 9300, // Elasticsearch
			10250,        // kubelet
			11211,        // memcached
			27017, 27018, // MongoDB
		},
		WidestV4: 8,
		WidestV6: 16,
	}
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	for _, port := range p.RiskyPorts {
		if port < 0 || port > maxPort {
			return fmt.Errorf("risky_ports: %d is not a port, 0 to %d", port, maxPort)
		}
	}
	for _, s := range p.AllowedCIDRs {
		r, err := netip.ParsePrefix(s)
		if err != nil {
			return fmt.Errorf("allowed_cidrs: %q is not an address range such as 192.0.2.0/24", s)
		}
		// 10.0.0.0/0 is a slip of the pen for 10.0.0.0/8, and would allow everything.
		if r != r.Masked() {
			return fmt.Errorf("allowed_cidrs: %q has bits set past its prefix length: the range is %s, write that if you mean it", s, r.Masked())
		}
	}
	if p.WidestV4 < 1 || p.WidestV4 > 32 {
		return fmt.Errorf("widest_v4: %d is not a prefix length from 1 to 32", p.WidestV4)
	}
	if p.WidestV6 < 1 || p.WidestV6 > 128 {
		return fmt.Errorf("widest_v6: %d is not a prefix length from 1 to 128", p.WidestV6)
	}
	return nil
}

// ranges is the part of Params that judges address ranges, parsed.
type ranges struct {
	allowed            []netip.Prefix
	widestV4, widestV6 int
}

func (p Params) ranges() ranges {
	r := ranges{widestV4: p.WidestV4, widestV6: p.WidestV6}
	for _, s := range p.AllowedCIDRs {
		if a, ok := parse(s); ok {
			r.allowed = append(r.allowed, a)
		}
	}
	return r
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

// world reports whether a range is wide enough to be called the world. What
// can't be parsed is not: Read refuses such a rule.
func (r ranges) world(cidr string) bool {
	p, ok := parse(cidr)
	if !ok {
		return false
	}
	widest := r.widestV4
	if p.Addr().Is6() {
		widest = r.widestV6
		if inside(mapped, p) {
			widest = mapped.Bits() + 1
		}
	}
	if p.Bits() >= widest {
		return false
	}
	within := func(outer netip.Prefix) bool { return inside(p, outer) }
	return !slices.ContainsFunc(private, within) && !slices.ContainsFunc(r.allowed, within)
}

// parse gives a range without its host bits, and an IPv4-mapped one as IPv4.
func parse(cidr string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, false
	}
	p = p.Masked()
	if inside(p, mapped) {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mapped.Bits())
	}
	return p, true
}

// inside reports whether every address of p is one of outer's.
func inside(p, outer netip.Prefix) bool {
	return outer.Bits() <= p.Bits() && outer.Contains(p.Addr())
}
