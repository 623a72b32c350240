package bus

import (
	"strings"
	"time"

	"github.com/tidwall/gjson"

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

func readRecord(t *typed, v gjson.Result) record {
	var rec record
	t.object("detail", v, func(key string, v gjson.Result) {
		switch key {
		case "eventID":
			rec.id = t.text(key, v)
		case "eventName":
			rec.name = t.text(key, v)
		case "eventSource":
			rec.source = t.text(key, v)
		case "eventTime":
			rec.time = t.when(key, v)
		case "awsRegion":
			rec.region = t.text(key, v)
		case "recipientAccountId":
			rec.recipient = t.text(key, v)
		case "errorCode":
			rec.errorCode = t.text(key, v)
		case "userAgent":
			rec.agent = t.text(key, v)
		case "sourceIPAddress":
			rec.ip = t.text(key, v)
		case "userIdentity":
			rec.user = readIdentity(t, v)
		}
	})
	return rec
}

func readIdentity(t *typed, v gjson.Result) identity {
	var u identity
	t.object("userIdentity", v, func(key string, v gjson.Result) {
		switch key {
		case "type":
			u.kind = t.text("userIdentity.type", v)
		case "principalId":
			u.principal = t.text("userIdentity.principalId", v)
		case "arn":
			u.arn = t.text("userIdentity.arn", v)
		case "accountId":
			u.account = t.text("userIdentity.accountId", v)
		case "userName":
			u.name = t.text("userIdentity.userName", v)
		case "invokedBy":
			u.invokedBy = t.text("userIdentity.invokedBy", v)
		case "onBehalfOf":
			u.person = t.memberText("userIdentity.onBehalfOf", v, "userId")
		case "sessionContext":
			t.object("userIdentity.sessionContext", v, func(key string, v gjson.Result) {
				if key == "sessionIssuer" {
					u.issuer = t.memberText("userIdentity.sessionContext.sessionIssuer", v, "userName")
				}
			})
		}
	})
	return u
}

// memberText reads an object and gives the one member of it that is a string.
func (t *typed) memberText(name string, v gjson.Result, member string) string {
	var s string
	t.object(name, v, func(key string, v gjson.Result) {
		if key == member {
			s = t.text(name+"."+member, v)
		}
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
