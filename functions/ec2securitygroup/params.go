package ec2securitygroup

import "github.com/ebb-ops/ebb/pkg/netrange"

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
		WidestV4: netrange.WidestV4,
		WidestV6: netrange.WidestV6,
	}
}

// Validate reports the first parameter that makes no sense.
func (p Params) Validate() error {
	if err := netrange.CheckPorts("risky_ports", p.RiskyPorts); err != nil {
		return err
	}
	return netrange.Check(p.AllowedCIDRs, p.WidestV4, p.WidestV6)
}
