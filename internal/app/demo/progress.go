package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Progress shows how far the demo is: one line that is rewritten on a terminal, now and then a plain line elsewhere.
type Progress struct {
	w        io.Writer
	terminal bool
	last     time.Time
	shown    string
}

// NewProgress writes to w; a nil w shows nothing.
func NewProgress(w io.Writer) *Progress {
	f, ok := w.(*os.File)
	return &Progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

const (
	barWidth     = 32
	redrawEvery  = 100 * time.Millisecond
	restateEvery = 5 * time.Second
)

// Set shows that done of total is done, and what is being done.
func (p *Progress) Set(what string, done, total int) {
	if p.w == nil || total == 0 {
		return
	}
	every := restateEvery
	if p.terminal {
		every = redrawEvery
	}
	if done < total && time.Since(p.last) < every {
		return
	}
	p.last = time.Now()
	if !p.terminal {
		p.plain(fmt.Sprintf("%3d %% %s\n", 100*done/total, what))
		return
	}
	full := barWidth * done / total
	fmt.Fprintf(p.w, "\r\x1b[K%s%s %3d %% %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), 100*done/total, what)
}

func (p *Progress) plain(line string) {
	if line != p.shown {
		fmt.Fprint(p.w, line)
	}
	p.shown = line
}

// Clear removes the line, so that something else can be printed.
func (p *Progress) Clear() {
	if p.w != nil && p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
