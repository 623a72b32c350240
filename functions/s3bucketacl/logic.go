package s3bucketacl

import (
	"fmt"
	"slices"

	"github.com/ebb-ops/ebb/pkg/pattern"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// State is a bucket's ACL and its tags.
type State struct {
	Owner  string            `json:"owner"`  // canonical id of the account that owns the bucket; only read
	Grants []Grant           `json:"grants"` // in no order
	Tags   map[string]string `json:"tags,omitempty"`
}

// ResourceTags gives the bucket's tags.
func (s State) ResourceTags() map[string]string { return s.Tags }

// Grant is one entry of an ACL: a group by its URI or an account by its
// canonical id, and what it may do.
type Grant struct {
	URI        string `json:"uri,omitempty"`
	ID         string `json:"id,omitempty"`
	Permission string `json:"permission"`
}

// public gives the group's name and what it is, when it is the public. The
// third of S3's groups, LogDelivery, is S3 itself.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups
func (g Grant) public() (group, who string, ok bool) {
	switch g.URI {
	case "http://acs.amazonaws.com/groups/global/AllUsers":
		return "AllUsers", "everybody", true
	case "http://acs.amazonaws.com/groups/global/AuthenticatedUsers":
		return "AuthenticatedUsers", "everybody with any AWS account", true
	}
	return "", "", false
}

// check gives a violation for each public grant.
func check(t Target, s State, p Params) []remedy.Violation {
	if pattern.Any(p.AllowedBuckets, t.Bucket) {
		return nil
	}
	var out []remedy.Violation
	for _, g := range s.Grants {
		if group, who, ok := g.public(); ok {
			out = append(out, remedy.Violation{
				Rule: "public-grant", Part: group + " " + g.Permission,
				Message: fmt.Sprintf("The ACL of bucket %s grants %s to the group %s, which is %s.", t.Bucket, g.Permission, group, who),
			})
		}
	}
	return out
}

// repair takes the public grants out and keeps all others. But a put replaces
// the whole ACL: where a grant of the baseline is missing from the live one, the
// change has overwritten something good, and the baseline comes back.
func repair(t Target, live State, base remedy.Baseline[State], p Params) State {
	if pattern.Any(p.AllowedBuckets, t.Bucket) {
		return live
	}
	want := live
	want.Grants = withoutPublic(live.Grants)
	if !base.Known {
		return want
	}
	// What is public in the baseline was allowed on its day, and is not today.
	good := withoutPublic(base.State.Grants)
	if slices.ContainsFunc(good, func(g Grant) bool { return !slices.Contains(live.Grants, g) }) {
		want.Grants = good
	}
	return want
}

func withoutPublic(grants []Grant) []Grant {
	return slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool {
		_, _, public := g.public()
		return public
	})
}

// Change puts a bucket's whole ACL: S3 knows no smaller change.
type Change struct {
	Target Target
	Owner  string
	Grants []Grant
}

// Call gives the change as the API call that makes it.
func (c Change) Call() remedy.Call {
	in := call{Bucket: c.Target.Bucket, Account: c.Target.Account}
	in.Policy.Owner.ID = c.Owner
	in.Policy.Grants = []callGrant{}
	for _, g := range c.Grants {
		in.Policy.Grants = append(in.Policy.Grants, callGrant{grantee{g.kind(), g.URI, g.ID}, g.Permission})
	}
	return remedy.Call{API: "s3:PutBucketAcl", Params: in}
}

func (g Grant) kind() string {
	if g.URI != "" {
		return "Group"
	}
	return "CanonicalUser"
}

type call struct {
	Bucket  string
	Account string `json:"ExpectedBucketOwner"`
	Policy  struct {
		Owner  struct{ ID string }
		Grants []callGrant
	} `json:"AccessControlPolicy"`
}

type callGrant struct {
	Grantee    grantee
	Permission string
}

type grantee struct {
	Type string
	URI  string `json:",omitempty"`
	ID   string `json:",omitempty"`
}

// diff takes grants as a set.
func diff(t Target, from, to State) []Change {
	lacks := func(a, b []Grant) bool {
		return slices.ContainsFunc(a, func(g Grant) bool { return !slices.Contains(b, g) })
	}
	if !lacks(from.Grants, to.Grants) && !lacks(to.Grants, from.Grants) {
		return nil
	}
	return []Change{{t, to.Owner, to.Grants}}
}
