package report

import (
	"cmp"
	"container/heap"
	"slices"
)

// maxNames is how many names a [top] counts at once. While there are no more, its
// counts are exact.
const maxNames = 2000

// top finds the most frequent names in bounded memory: space-saving, after
// Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k
// Elements in Data Streams" (2005). A name that finds no room takes the place of
// the least frequent one, and its count with it.
type top[T any] struct {
	byName map[string]*counter[T]
	order  counters[T]
	total  int64
	over   int64 // the most by which a count is too high
}

// counter counts one name, with what else is kept of it.
type counter[T any] struct {
	name  string
	count int64
	kept  T
	index int
}

// add counts a name, and gives what is kept of it: the zero value when it is new.
func (t *top[T]) add(name string) *T {
	t.total++
	if t.byName == nil {
		t.byName = map[string]*counter[T]{}
	}
	c := t.byName[name]
	switch {
	case c != nil:
	case len(t.order) < maxNames:
		c = &counter[T]{name: name}
		t.byName[name] = c
		heap.Push(&t.order, c)
	default:
		least := t.order[0]
		t.over = max(t.over, least.count)
		delete(t.byName, least.name)
		var none T
		least.name, least.kept = name, none
		t.byName[name] = least
		c = least
	}
	c.count++
	heap.Fix(&t.order, c.index)
	return &c.kept
}

// most gives the n most frequent that were counted at least least times.
func (t *top[T]) most(n int, least int64) []*counter[T] {
	all := slices.DeleteFunc(slices.Clone(t.order), func(c *counter[T]) bool { return c.count < least })
	slices.SortFunc(all, func(a, b *counter[T]) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.name, b.name)) })
	return all[:min(n, len(all))]
}

// result gives the list as the report has it.
func (t *top[T]) result() Top {
	out := Top{Items: []Tally{}, Others: t.total, Error: t.over}
	for _, c := range t.most(MaxTop, 1) {
		out.Items = append(out.Items, Tally{c.name, c.count})
		out.Others -= c.count
	}
	out.Others = max(out.Others, 0)
	return out
}

// counters is a heap with the least frequent first.
type counters[T any] []*counter[T]

func (c counters[T]) Len() int           { return len(c) }
func (c counters[T]) Less(i, j int) bool { return c[i].count < c[j].count }
func (c counters[T]) Swap(i, j int) {
	c[i], c[j] = c[j], c[i]
	c[i].index, c[j].index = i, j
}

// Push implements [heap.Interface].
func (c *counters[T]) Push(x any) {
	n := x.(*counter[T])
	n.index = len(*c)
	*c = append(*c, n)
}

// Pop implements [heap.Interface].
func (c *counters[T]) Pop() any {
	old := *c
	last := old[len(old)-1]
	*c = old[:len(old)-1]
	return last
}
