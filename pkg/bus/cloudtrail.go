package bus

import (
	"strings"
	"time"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

// record is what Ebb reads of a CloudTrail record.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
type record struct {
	id, name, source, region string
	recipient                string // the account whose trail recorded it
	errorCode                string
	agent, ip                string
	time                     time.Time
	user                     identity
}

// identity is the record's userIdentity.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
type identity struct {
	kind, principal, arn, account, name string
	invokedBy                           string // the service that called on the actor's behalf
	issuer                              string // the role whose session it is
	person                              string // the Identity Center user behind the session
}

// readRecord reads the record that comes next in r.
func readRecord(r *reader) record {
	var rec record
	r.object(func(key []byte) {
		switch string(key) {
		case "eventID":
			rec.id = r.text("eventID")
		case "eventName":
			rec.name = r.text("eventName")
		case "eventSource":
			rec.source = r.text("eventSource")
		case "eventTime":
			rec.time = r.when("eventTime")
		case "awsRegion":
			rec.region = r.text("awsRegion")
		case "recipientAccountId":
			rec.recipient = r.text("recipientAccountId")
		case "errorCode":
			rec.errorCode = r.text("errorCode")
		case "userAgent":
			rec.agent = r.text("userAgent")
		case "sourceIPAddress":
			rec.ip = r.text("sourceIPAddress")
		case "userIdentity":
			rec.user = readIdentity(r)
		default:
			r.skip()
		}
	})
	return rec
}

func readIdentity(r *reader) identity {
	var u identity
	r.members("userIdentity", func(key []byte) {
		switch string(key) {
		case "type":
			u.kind = r.text("userIdentity.type")
		case "principalId":
			u.principal = r.text("userIdentity.principalId")
		case "arn":
			u.arn = r.text("userIdentity.arn")
		case "accountId":
			u.account = r.text("userIdentity.accountId")
		case "userName":
			u.name = r.text("userIdentity.userName")
		case "invokedBy":
			u.invokedBy = r.text("userIdentity.invokedBy")
		case "onBehalfOf":
			u.person = r.memberText("userIdentity.onBehalfOf", "userId")
		case "sessionContext":
			r.members("userIdentity.sessionContext", func(key []byte) {
				if string(key) == "sessionIssuer" {
					u.issuer = r.memberText("userIdentity.sessionContext.sessionIssuer", "userName")
					return
				}
				r.skip()
			})
		default:
			r.skip()
		}
	})
	return u
}

// members reads an object, as object does; null is the same as an empty one.
func (r *reader) members(name string, member func(key []byte)) {
	switch r.peek() {
	case '{':
		r.object(member)
	case 'n':
		r.literal("null")
	default:
		r.wrong(name, "an object")
	}
}

// memberText reads an object and gives the one member of it that is a string.
func (r *reader) memberText(name, member string) string {
	var s string
	r.members(name, func(key []byte) {
		if string(key) == member {
			s = r.text(name + "." + member)
			return
		}
		r.skip()
	})
	return s
}

// actor says who called, in Ebb's words.
func (rec record) actor() remedy.Actor {
	u := rec.user
	a := remedy.Actor{
		Type:    u.kind,
		Name:    first(u.issuer, u.name, u.invokedBy),
		Session: u.session(),
		Via:     first(u.invokedBy, rec.agent),
		IP:      rec.ip,
	}
	if u.kind == "Root" {
		a.Name = first(u.name, "root")
	}
	a.ID = first(u.arn, u.person, a.Name, u.principal, u.account)
	return a
}

// session gives the name of a role's or a federated user's session: the last
// part of the ARN, as in arn:aws:sts::123456789012:assumed-role/admin/alice,
// else what follows the colon in the principal id. No such name has a slash.
// The ARN tells, not the type: there are sessions of the type "Unknown".
func (u identity) session() string {
	switch {
	case strings.Contains(u.arn, ":assumed-role/"), strings.Contains(u.arn, ":federated-user/"):
		return u.arn[strings.LastIndexByte(u.arn, '/')+1:]
	case u.kind == "AssumedRole", u.kind == "FederatedUser":
		_, session, _ := strings.Cut(u.principal, ":")
		return session
	}
	return ""
}

// eventBridgeSource gives the source under which EventBridge publishes calls
// to a service: its host name's first label.
func eventBridgeSource(eventSource string) string {
	label, _, _ := strings.Cut(eventSource, ".")
	return "aws." + label
}

// first gives the first that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
