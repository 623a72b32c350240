package cloudtraillogging

import (
	"reflect"
	"slices"
)

// Selector is a basic event selector, by the API's names.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type Selector struct {
	ReadWriteType                 string
	IncludeManagementEvents       bool
	DataResources                 []DataResource `json:",omitempty"`
	ExcludeManagementEventSources []string       `json:",omitempty"`
}

// DataResource is a kind of resource whose data events a selector takes.
type DataResource struct {
	Type   string
	Values []string `json:",omitempty"`
}

// AdvancedSelector is an advanced event selector: an event must fit all of its fields.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html
type AdvancedSelector struct {
	Name           string `json:",omitempty"`
	FieldSelectors []FieldSelector
}

// FieldSelector is what one field of an event must be.
type FieldSelector struct {
	Field         string
	Equals        []string `json:",omitempty"`
	StartsWith    []string `json:",omitempty"`
	EndsWith      []string `json:",omitempty"`
	NotEquals     []string `json:",omitempty"`
	NotStartsWith []string `json:",omitempty"`
	NotEndsWith   []string `json:",omitempty"`
}

// Insight is one of a trail's Insights selectors.
type Insight struct {
	InsightType     string
	EventCategories []string `json:",omitempty"`
}

// Values of selectors that have a meaning here.
const (
	all                = "All"
	readOnly           = "ReadOnly"
	writeOnly          = "WriteOnly"
	fieldCategory      = "eventCategory"
	fieldReadOnly      = "readOnly"
	fieldSource        = "eventSource"
	categoryManagement = "Management"
)

// maxSelectors is how many basic selectors a trail may have.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
const maxSelectors = 5

// everything gives the selector of a new trail: all management events.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
func everything() Selector { return Selector{ReadWriteType: all, IncludeManagementEvents: true} }

// isNew reports whether a trail has the selectors of a new one.
func (t Trail) isNew() bool {
	return len(t.Advanced) == 0 &&
		(len(t.Selectors) == 0 || len(t.Selectors) == 1 && reflect.DeepEqual(t.Selectors[0], everything()))
}

// side is what a trail logs of the reads, or of the writes.
type side struct {
	logged  bool
	without []string // sources that none of its selectors takes
}

// add counts a selector in that takes all events but those of some sources.
func (s *side) add(without []string) {
	if s.logged {
		s.without = slices.DeleteFunc(s.without, func(source string) bool { return !slices.Contains(without, source) })
		return
	}
	s.logged, s.without = true, slices.Clone(without)
}

// coverage is which management events a trail logs.
type coverage struct{ read, write side }

// excluded gives the sources whose reads or writes are left out, sorted.
func (c coverage) excluded() []string {
	out := slices.Concat(c.read.without, c.write.without)
	slices.Sort(out)
	return slices.Compact(out)
}

// coverage adds the selectors up: an event is logged if one of them takes it.
func (t Trail) coverage() coverage {
	var c coverage
	for _, s := range t.Selectors {
		if !s.IncludeManagementEvents {
			continue
		}
		if s.ReadWriteType != writeOnly {
			c.read.add(s.ExcludeManagementEventSources)
		}
		if s.ReadWriteType != readOnly {
			c.write.add(s.ExcludeManagementEventSources)
		}
	}
	for _, s := range t.Advanced {
		if !s.management() {
			continue
		}
		reads, writes, without, ok := s.takes()
		if ok && reads {
			c.read.add(without)
		}
		if ok && writes {
			c.write.add(without)
		}
	}
	if len(t.Selectors)+len(t.Advanced) == 0 {
		c.read.logged, c.write.logged = true, true
	}
	return c
}

// management reports whether a selector is about management events.
func (s AdvancedSelector) management() bool {
	return slices.ContainsFunc(s.FieldSelectors, func(f FieldSelector) bool {
		return f.Field == fieldCategory && slices.Contains(f.Equals, categoryManagement)
	})
}

// takes says which management events a selector takes. It is not ok when it
// takes only some of them, by another field than the two that leave whole
// kinds or sources out.
func (s AdvancedSelector) takes() (reads, writes bool, without []string, ok bool) {
	reads, writes = true, true
	for _, f := range s.FieldSelectors {
		switch {
		case f.Field == fieldCategory:
		case f.Field == fieldReadOnly && f.only(f.Equals):
			reads = reads && slices.Contains(f.Equals, "true")
			writes = writes && slices.Contains(f.Equals, "false")
		case f.Field == fieldSource && f.only(f.NotEquals):
			without = append(without, f.NotEquals...)
		default:
			return false, false, nil, false
		}
	}
	return reads, writes, without, true
}

// only reports whether the field has no conditions but those.
func (f FieldSelector) only(conditions []string) bool {
	n := len(f.Equals) + len(f.StartsWith) + len(f.EndsWith) + len(f.NotEquals) + len(f.NotStartsWith) + len(f.NotEndsWith)
	return n == len(conditions)
}

// complete reports whether every management event is logged that must be. The
// zero trail, which nobody knows, is not.
func (t Trail) complete(p Params) bool {
	c := t.coverage()
	return t.Bucket != "" && c.read.logged && c.write.logged &&
		!slices.ContainsFunc(c.excluded(), func(source string) bool { return !slices.Contains(p.AllowedExclusions, source) })
}

// completed lets a trail log every management event. It widens a selector
// where that changes nothing else, else it adds one.
func (t Trail) completed(p Params) Trail {
	allowed := func(sources []string) []string {
		return slices.DeleteFunc(slices.Clone(sources), func(s string) bool { return !slices.Contains(p.AllowedExclusions, s) })
	}
	if len(t.Advanced) > 0 {
		t.Advanced = slices.Clone(t.Advanced)
		whole := AdvancedSelector{Name: "Management events", FieldSelectors: []FieldSelector{{Field: fieldCategory, Equals: []string{categoryManagement}}}}
		i := slices.IndexFunc(t.Advanced, AdvancedSelector.management)
		if i < 0 {
			t.Advanced = append(t.Advanced, whole)
			return t
		}
		whole.Name = t.Advanced[i].Name
		if _, _, without, ok := t.Advanced[i].takes(); ok && len(allowed(without)) > 0 {
			whole.FieldSelectors = append(whole.FieldSelectors, FieldSelector{Field: fieldSource, NotEquals: allowed(without)})
		}
		t.Advanced[i] = whole
		return t
	}
	t.Selectors = slices.Clone(t.Selectors)
	i := slices.IndexFunc(t.Selectors, func(s Selector) bool { return s.IncludeManagementEvents && len(s.DataResources) == 0 })
	if i < 0 && len(t.Selectors) < maxSelectors {
		t.Selectors = append(t.Selectors, everything())
		return t
	}
	i = max(i, 0)
	t.Selectors[i].ReadWriteType, t.Selectors[i].IncludeManagementEvents = all, true
	t.Selectors[i].ExcludeManagementEventSources = allowed(t.Selectors[i].ExcludeManagementEventSources)
	return t
}
