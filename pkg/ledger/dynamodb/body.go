package dynamodb

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Sizes in bytes. An item may have 400 KB, of which a record's other
// attributes need little.
const (
	compressOver = 4 << 10
	partSize     = 350 << 10
)

// content names the attributes that hold a value of any size, and where its
// parts go when it is too large for them.
type content struct {
	name   string // prefix of the attributes
	parts  string // prefix of the parts' pk
	inline int    // bytes that may stay in the item itself
}

// blob is content whose parts are shared by all that have the same.
func blob(name string) content { return content{name, "BLOB#", partSize} }

// pack sets the item's attributes for data, compressed where that helps. Parts
// are written here, before the item that names them: a reader never misses one.
func (l *Ledger) pack(ctx context.Context, it item, c content, data []byte) error {
	if data == nil {
		return nil
	}
	if len(data) > compressOver {
		var err error
		if data, err = compress(data); err != nil {
			return err
		}
		it[c.name+"_gzip"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if len(data) <= c.inline {
		it[c.name] = bin(data)
		return nil
	}
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	n := 0
	for rest := data; len(rest) > 0; n++ {
		size := min(len(rest), partSize)
		part := numberedKey(c.parts+hash, n).item()
		part["part"] = bin(rest[:size])
		if _, err := l.put(ctx, &types.Put{TableName: &l.table, Item: part}); err != nil {
			return fmt.Errorf("write part %d of %s: %w", n, c.name, err)
		}
		rest = rest[size:]
	}
	it[c.name+"_hash"], it[c.name+"_parts"] = str(hash), num(int64(n))
	return nil
}

// unpack is the inverse of pack. Parts that are missing or that do not have
// the hash by which the item names them are an error.
func (l *Ledger) unpack(ctx context.Context, it item, c content) ([]byte, error) {
	var data []byte
	if b, ok := it[c.name].(*types.AttributeValueMemberB); ok {
		data = b.Value
	} else {
		keys, err := c.partKeys(it)
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		if data, err = l.join(ctx, keys, text(it, c.name+"_hash")); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if it[c.name+"_gzip"] == nil {
		return data, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if data, err = io.ReadAll(r); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return data, nil
}

// partKeys gives the keys of the parts that the item names.
func (c content) partKeys(it item) ([]key, error) {
	n, err := number(it, c.name+"_parts")
	if err != nil {
		return nil, err
	}
	keys := make([]key, n)
	for i := range keys {
		keys[i] = numberedKey(c.parts+text(it, c.name+"_hash"), i)
	}
	return keys, nil
}

func (l *Ledger) join(ctx context.Context, keys []key, hash string) ([]byte, error) {
	items, err := l.fetch(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var data []byte
	for i, k := range keys {
		part, ok := items[k]["part"].(*types.AttributeValueMemberB)
		if !ok {
			return nil, fmt.Errorf("part %d of %d is missing", i, len(keys))
		}
		data = append(data, part.Value...)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, errors.New("its parts have been changed: their hash is another")
	}
	return data, nil
}

func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return b.Bytes(), nil
}
