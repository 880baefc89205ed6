package clearing

// AtCrashPoint calls fn where the death of the process leaves something half done.
func (n *Night) AtCrashPoint(fn func(point string)) { n.atCrashPoint = fn }
