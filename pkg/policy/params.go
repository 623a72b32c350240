package policy

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// params decodes parameters over the ones given, which it leaves as they are:
// lists are replaced, mappings are merged key by key. The result has the same
// type. If the type has a method Validate() error, it has the last word.
func (d *decoder) params(n ast.Node, over any, what string) (any, bool) {
	if over == nil {
		d.errorf(n, "%s takes no parameters", what)
		return nil, false
	}
	p := reflect.New(reflect.TypeOf(over))
	p.Elem().Set(reflect.ValueOf(over))
	before := len(d.all)
	d.value(n, p.Elem(), "params")
	if len(d.all) > before {
		return over, false
	}
	if v, ok := p.Interface().(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			d.errorf(n, "params of %s: %v", what, err)
			return over, false
		}
	}
	return p.Elem().Interface(), true
}

// value decodes a node into v. What v refers to is replaced, never written to:
// it may be the function's defaults.
func (d *decoder) value(n ast.Node, v reflect.Value, what string) {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if s, ok := d.str(n, what, aString); ok {
			fresh := reflect.New(v.Type())
			if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
				d.errorf(n, "%s: %v", what, err)
			}
			v.Set(fresh.Elem())
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.fields(n, v, what)
	case reflect.Slice:
		nodes, ok := d.list(n, what)
		if !ok {
			return
		}
		fresh := reflect.MakeSlice(v.Type(), len(nodes), len(nodes))
		for i, n := range nodes {
			d.value(n, fresh.Index(i), fmt.Sprintf("%s[%d]", what, i))
		}
		v.Set(fresh)
	case reflect.Map:
		d.entriesInto(n, v, what)
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.value(n, fresh.Elem(), what)
		v.Set(fresh)
	default:
		d.scalar(n, v, what)
	}
}

// fields decodes a mapping into a struct.
func (d *decoder) fields(n ast.Node, v reflect.Value, what string) {
	es, _ := d.entries(n, what)
	known := map[string]reflect.StructField{}
	var names []string
	for _, f := range reflect.VisibleFields(v.Type()) {
		if name := jsonName(f); name != "" {
			known[name] = f
			names = append(names, name)
		}
	}
	for _, e := range es {
		f, ok := known[e.name]
		if !ok {
			d.unknown(e.key, "key", e.name, " in "+what, names)
			continue
		}
		field, err := v.FieldByIndexErr(f.Index)
		if err != nil {
			d.errorf(e.key, "%s.%s can't be set: %v", what, e.name, err)
			continue
		}
		d.value(e.value, field, what+"."+e.name)
	}
}

// jsonName gives the key of a struct's field; empty when it has none.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case !f.IsExported(), f.Anonymous, f.Tag.Get("json") == "-":
		return ""
	case name == "":
		return f.Name
	}
	return name
}

// entriesInto decodes a mapping into a copy of a map.
func (d *decoder) entriesInto(n ast.Node, v reflect.Value, what string) {
	if v.Type().Key().Kind() != reflect.String {
		d.errorf(n, "%s can't be set in a policy: it is a Go %s", what, v.Type())
		return
	}
	es, ok := d.entries(n, what)
	if !ok {
		return
	}
	fresh := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		fresh.SetMapIndex(it.Key(), it.Value())
	}
	for _, e := range es {
		elem := reflect.New(v.Type().Elem()).Elem()
		key := reflect.ValueOf(e.name).Convert(v.Type().Key())
		if old := v.MapIndex(key); old.IsValid() {
			elem.Set(old)
		}
		d.value(e.value, elem, what+"."+e.name)
		fresh.SetMapIndex(key, elem)
	}
	v.Set(fresh)
}

// scalar decodes a string, a number or a truth value.
func (d *decoder) scalar(n ast.Node, v reflect.Value, what string) {
	switch {
	case v.Kind() == reflect.String:
		if s, ok := d.str(n, what, aString); ok {
			v.SetString(s)
		}
	case v.Kind() == reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.mismatch(n, what, "true or false")
			return
		}
		v.SetBool(b.Value)
	case v.CanInt() || v.CanUint():
		i, ok := d.integer(n, what)
		switch {
		case !ok:
		case v.CanInt() && !v.OverflowInt(int64(i)):
			v.SetInt(int64(i))
		case v.CanUint() && i >= 0 && !v.OverflowUint(uint64(i)):
			v.SetUint(uint64(i))
		default:
			d.errorf(n, "%s is out of range: %d", what, i)
		}
	case v.CanFloat():
		f, ok := number(n)
		if !ok || v.OverflowFloat(f) {
			d.mismatch(n, what, "a number")
			return
		}
		v.SetFloat(f)
	default:
		d.errorf(n, "%s can't be set in a policy: it is a Go %s", what, v.Type())
	}
}

// number gives the value of a whole or a fractional number.
func number(n ast.Node) (float64, bool) {
	switch n := n.(type) {
	case *ast.FloatNode:
		return n.Value, true
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return float64(i), true
		case uint64:
			return float64(i), true
		}
	}
	return 0, false
}
