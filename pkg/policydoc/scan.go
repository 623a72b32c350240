package policydoc

import (
	"encoding/json"
	"fmt"
	"strings"
)

// scanner walks JSON text that is known to be valid, so it checks kinds and
// never syntax. It exists because encoding/json tells neither where a value
// stands in the text nor that a member came twice.
type scanner struct {
	text     string
	pos      int
	identity bool // it is the policy of an identity, not of a resource
}

func (s *scanner) space() {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.pos++
	}
}

// next moves to the next value or delimiter and gives its first byte.
func (s *scanner) next() byte {
	s.space()
	if s.pos == len(s.text) {
		return 0
	}
	return s.text[s.pos]
}

// object calls member for each of the object's, with the scanner at its value,
// which member must move past. It gives the keys, folded; two that are equal
// then are an error.
func (s *scanner) object(fold func(string) string, member func(key string) error) (seen map[string]bool, err error) {
	if s.next() != '{' {
		return nil, fmt.Errorf("is %s, not an object", s.kind())
	}
	seen = map[string]bool{}
	for s.pos++; s.next() != '}'; {
		if s.text[s.pos] == ',' {
			s.pos++
			continue
		}
		key, err := s.str()
		if err != nil {
			return nil, err
		}
		folded := key
		if fold != nil {
			folded = fold(key)
		}
		if seen[folded] {
			return nil, fmt.Errorf("%q is there twice", key)
		}
		seen[folded] = true
		s.next() // the colon
		s.pos++
		if err := member(key); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	s.pos++
	return seen, nil
}

// array calls element for each of the array's, with the scanner at it.
func (s *scanner) array(element func() error) error {
	for s.pos++; s.next() != ']'; {
		if s.text[s.pos] == ',' {
			s.pos++
			s.next()
		}
		if err := element(); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// str moves past a string and gives its value.
func (s *scanner) str() (string, error) {
	if s.next() != '"' {
		return "", fmt.Errorf("is %s, not a string", s.kind())
	}
	from, escaped := s.pos, false
	for s.pos++; s.text[s.pos] != '"'; s.pos++ {
		if s.text[s.pos] == '\\' {
			escaped = true
			s.pos++
		}
	}
	s.pos++
	if !escaped {
		return s.text[from+1 : s.pos-1], nil
	}
	var v string
	err := json.Unmarshal([]byte(s.text[from:s.pos]), &v)
	return v, err
}

// scalar moves past a string, a number or a boolean and gives its text.
func (s *scanner) scalar() (string, error) {
	switch s.next() {
	case '"':
		return s.str()
	case '{', '[', 'n':
		return "", fmt.Errorf("is %s, not a single value", s.kind())
	}
	from := s.pos
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n,]}", s.text[s.pos]) < 0 {
		s.pos++
	}
	return s.text[from:s.pos], nil
}

// list moves past one value or an array of them, each read by one.
func (s *scanner) list(one func() (string, error)) ([]string, error) {
	if s.next() != '[' {
		v, err := one()
		return []string{v}, err
	}
	var out []string
	err := s.array(func() error {
		v, err := one()
		out = append(out, v)
		return err
	})
	return out, err
}

// kind names the value at pos, for errors.
func (s *scanner) kind() string {
	switch s.next() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}
