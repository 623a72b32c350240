package ec2imageaccessblock

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/ebb-ops/ebb/pkg/cloud"
	"github.com/ebb-ops/ebb/pkg/cloudtrail/regionevent"
	"github.com/ebb-ops/ebb/pkg/remedy"
)

// client is the part of EC2's API that the store calls.
type client interface {
	GetImageBlockPublicAccessState(context.Context, *ec2.GetImageBlockPublicAccessStateInput, ...func(*ec2.Options)) (*ec2.GetImageBlockPublicAccessStateOutput, error)
	EnableImageBlockPublicAccess(context.Context, *ec2.EnableImageBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.EnableImageBlockPublicAccessOutput, error)
	DisableImageBlockPublicAccess(context.Context, *ec2.DisableImageBlockPublicAccessInput, ...func(*ec2.Options)) (*ec2.DisableImageBlockPublicAccessOutput, error)
}

// open gives the function over real clients.
func open(ctx context.Context, env remedy.Env) (remedy.Remedy, error) {
	clients, err := cloud.NewClients(ctx, env, func(cfg aws.Config) client { return ec2.NewFromConfig(cfg) })
	if err != nil {
		return nil, err
	}
	return remedy.Bind(rules, newStore(clients.For, time.Now)), nil
}

// settling is how long EC2 may tell of the state before a call that it accepted.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageBlockPublicAccess.html
const settling = 10 * time.Minute

// store reads and changes the setting.
type store struct {
	client func(remedy.Ref) client
	now    func() time.Time

	mu   *sync.Mutex
	made map[regionevent.Place]Write // the last call of its own in each place
}

func newStore(of func(remedy.Ref) client, now func() time.Time) store {
	return store{of, now, &sync.Mutex{}, map[regionevent.Place]Write{}}
}

// Read gives what holds when all is settled: what the last call asked for, of
// those that are known, for as long as EC2 may not tell of it yet; after that,
// what EC2 tells. The setting is never gone, and a state that is not known here
// is an error.
func (s store) Read(ctx context.Context, t Target) (State, error) {
	out, err := s.client(t.Ref()).GetImageBlockPublicAccessState(ctx, &ec2.GetImageBlockPublicAccessStateInput{})
	if err != nil {
		return State{}, fmt.Errorf("read the image block of account %s in %s: %w", t.Account, t.Region, cloud.Explain(err, "ec2:GetImageBlockPublicAccessState"))
	}
	state := State{aws.ToString(out.ImageBlockPublicAccessState), out.ManagedBy == types.ManagedByDeclarativePolicy}
	if state.Block != unblocked && state.Block != blockNew {
		return State{}, fmt.Errorf("read the image block of account %s in %s: its state %q is not known here", t.Account, t.Region, state.Block)
	}
	if last := s.last(t); !state.ByPolicy && s.now().Sub(last.At) < settling {
		state.Block = last.Block
	}
	return state, nil
}

// last gives the last call that is known of: the event's, or one of the store's own.
func (s store) last(t Target) Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := s.made[t.Place]; !own.At.Before(t.Asked.At) {
		return own
	}
	return t.Asked
}

// Apply makes the change's call, which may be made again.
func (s store) Apply(ctx context.Context, t Target, c Change) error {
	var err error
	action := enable
	if api := s.client(t.Ref()); c.Block == unblocked {
		action = disable
		_, err = api.DisableImageBlockPublicAccess(ctx, &ec2.DisableImageBlockPublicAccessInput{})
	} else {
		_, err = api.EnableImageBlockPublicAccess(ctx, &ec2.EnableImageBlockPublicAccessInput{
			ImageBlockPublicAccessState: types.ImageBlockPublicAccessEnabledState(c.Block),
		})
	}
	if err != nil {
		return cloud.Explain(err, "ec2:"+action)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[t.Place] = Write{c.Block, s.now()}
	return nil
}
