// Package ipmfile is the adapter between the night and clearing files of the IPM family (docs/formats/ipm.md): it says in the
// codec's words what every record of ours says, and in the night's words what a center answers. It is the only package of the
// night that knows message types, elements, blocks and frames.
package ipmfile
