package policy

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of a policy file. Anchors, aliases, merge keys and tags are not
// read at all, so nothing in a file can grow when it is read.
const (
	// MaxSize is the size of a file in bytes.
	MaxSize = 1 << 20
	// MaxDepth is how deep lists and mappings may nest. The parser recurses
	// into them, and a stack that overflows can't be recovered.
	MaxDepth = 32
	// MaxKeys is how many keys one block mapping may have. The parser's time
	// and memory grow with its square.
	MaxKeys = 1000
)

// parse gives the root of a policy file's only document; nil when something
// is wrong with it.
func parse(src []byte, p *problems) ast.Node {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if len(src) > MaxSize {
		p.add(0, 0, "the file is larger than %d bytes", MaxSize)
		return nil
	}
	if i := invalidUTF8(src); i >= 0 {
		line := 1 + bytes.Count(src[:i], []byte("\n"))
		column := 1 + utf8.RuneCount(src[bytes.LastIndexByte(src[:i], '\n')+1:i])
		p.add(line, column, "the file is not UTF-8 text")
		return nil
	}
	file := parseYAML(string(src), p)
	if file == nil {
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			line, column := at(doc.Body)
			p.add(line, column, "a policy file holds one YAML document without directives; a second part starts here")
			return nil
		default:
			root = doc.Body
		}
	}
	if root == nil {
		p.add(1, 1, "the policy is empty: it needs at least version: 1")
	}
	return root
}

// parseYAML gives the syntax tree; nil when there is none.
func parseYAML(src string, p *problems) (file *ast.File) {
	// The parser has panicked on malformed input before. The policy must not
	// take the process down, so a panic is a problem of the file like any other.
	defer func() {
		if r := recover(); r != nil {
			p.add(0, 0, "the file is not YAML that can be parsed: %v", r)
			file = nil
		}
	}()
	tokens := lexer.Tokenize(src)
	if tk, problem := tooComplex(tokens); problem != "" {
		p.add(tk.Position.Line, tk.Position.Column, "%s", problem)
		return nil
	}
	// Duplicate keys are reported with all other problems instead.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file
	}
	// The error's own text holds a drawing of the source.
	var syntax interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		pos := syntax.GetToken().Position
		p.add(pos.Line, pos.Column, "not valid YAML: %s", syntax.GetMessage())
	} else {
		p.add(0, 0, "not valid YAML: %v", err)
	}
	return nil
}

// tooComplex gives the first token that is past a bound, and which bound.
func tooComplex(tokens token.Tokens) (*token.Token, string) {
	type level struct{ column, keys int }
	var (
		block []level // the columns of the block lists and mappings around a token
		flow  int     // the brackets around it
		line  int     // the line of the token before
	)
	for _, tk := range tokens {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.CommentType:
			continue
		}
		entry := tk.Type == token.SequenceEntryType || tk.Type == token.MappingKeyType
		if flow == 0 && (entry || tk.Position.Line != line) {
			for len(block) > 0 && block[len(block)-1].column > tk.Position.Column {
				block = block[:len(block)-1]
			}
			if len(block) == 0 || block[len(block)-1].column < tk.Position.Column {
				block = append(block, level{column: tk.Position.Column})
			}
			if top := &block[len(block)-1]; !entry {
				if top.keys++; top.keys > MaxKeys {
					return tk, fmt.Sprintf("a mapping has more than %d keys", MaxKeys)
				}
			}
		}
		line = tk.Position.Line
		if len(block)+flow > MaxDepth {
			return tk, fmt.Sprintf("lists and mappings nest more than %d deep", MaxDepth)
		}
	}
	return nil, ""
}

// invalidUTF8 gives the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// at gives where a node starts.
func at(n ast.Node) (line, column int) {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key // a block mapping's own token is its first colon
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0, 0
	}
	pos := n.GetToken().Position
	return pos.Line, pos.Column
}
