package doctor

import "syscall"

// spaceHere is the room of the disk that a directory of this host is on, in bytes: what is left for others than root, and the whole.
func spaceHere(directory string) (free, whole uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(directory, &s); err != nil {
		return 0, 0, err
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), nil
}
