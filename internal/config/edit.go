package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Edit is a configuration file that is being changed. Nothing is written before Save, and Save writes only what is valid as
// a whole. Comments, the order of keys and, where possible, the layout stay as they are.
type Edit struct {
	path string // as it was given: names in the file are relative to its directory
	file string // the file itself, where path may be a link to it
	old  []byte
	root *yaml.Node // the mapping at the top
	tree *yaml.Node // the document
}

// Errors of edits. Each leaves the file as it was.
var (
	ErrNoMerchant = errors.New("config: no such merchant")
	ErrKey        = errors.New("config: no such setting")
	ErrValue      = errors.New("config: not a value of the setting")
	ErrChanged    = errors.New("config: somebody else changed the file")
)

// OpenEdit reads the file at path to change it. A file that is not valid is [Problems] already here.
func OpenEdit(path string) (*Edit, error) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if _, err := Parse(path, text); err != nil {
		return nil, err
	}
	e := &Edit{path: path, file: file, old: text, tree: new(yaml.Node)}
	if err := yaml.Unmarshal(text, e.tree); err != nil {
		return nil, syntaxProblems(path, err)
	}
	e.root = e.tree.Content[0]
	return e, nil
}

// AddMerchant appends a merchant.
func (e *Edit) AddMerchant(m MerchantFile) error {
	var node yaml.Node
	if err := node.Encode(m); err != nil {
		return fmt.Errorf("add merchant: %w", err)
	}
	list := child(e.root, "merchants")
	if list == nil || list.Kind != yaml.SequenceNode {
		return fmt.Errorf("%w: the file has no list of merchants", ErrKey)
	}
	if len(list.Content) == 0 {
		list.Style = 0
	}
	list.Content = append(list.Content, &node)
	return nil
}

// merchant finds the mapping of a merchant.
func (e *Edit) merchant(id int32) (*yaml.Node, error) {
	list := child(e.root, "merchants")
	for i := 0; list != nil && i < len(list.Content); i++ {
		var got int32
		if node := child(list.Content[i], "id"); node != nil && node.Decode(&got) == nil && got == id {
			return list.Content[i], nil
		}
	}
	return nil, fmt.Errorf("%w: %d", ErrNoMerchant, id)
}

// Save checks the changed file as a whole and puts it into the place of the old one in one step, durably, with the same
// permissions. What is wrong is [Problems] with the lines of the changed text. ErrChanged: the file is not what was opened.
func (e *Edit) Save() (*Config, error) {
	text, err := e.text()
	if err != nil {
		return nil, err
	}
	cfg, err := Parse(e.path, text)
	if err != nil {
		return nil, fmt.Errorf("nothing was changed, because the file would be wrong: %w", err)
	}
	now, err := os.ReadFile(e.file)
	if err != nil || !bytes.Equal(now, e.old) {
		return nil, errors.Join(ErrChanged, err)
	}
	if err := ReplaceFile(e.file, text); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	e.old = text
	return cfg, nil
}

// text is the changed file: the new tree, laid out as the old text wherever both say the same.
func (e *Edit) text() ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(indentOf(e.tree.Content[0]))
	if err := errors.Join(encoder.Encode(e.tree), encoder.Close()); err != nil {
		return nil, fmt.Errorf("write configuration: %w", err)
	}
	laid := layOut(e.old, out.Bytes())
	var again yaml.Node
	if yaml.Unmarshal(laid, &again) == nil && same(&again, e.tree) {
		return laid, nil
	}
	return out.Bytes(), nil
}

// indentOf is by how many columns the file indents: as the first mapping in another does, 2 when there is none.
func indentOf(root *yaml.Node) int {
	for i := 1; i < len(root.Content); i += 2 {
		key, value := root.Content[i-1], root.Content[i]
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 && value.Content[0].Line > key.Line {
			return value.Content[0].Column - key.Column
		}
	}
	return 2
}

// same compares what two trees say, not how they are written.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// ReplaceFile puts text into the place of the file at path in one step, durably, with the permissions of that file.
func ReplaceFile(path string, text []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".settled-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
