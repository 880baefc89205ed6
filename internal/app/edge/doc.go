// Package edge is what stands between the network and the handlers of a listener: the certificate that is shown and taken up anew when its
// files change, the guard that refuses requests whose ends can be read in two ways, and what every answer has, whichever handler gave
// it: the headers for browsers, and a page for each error that says nothing of the inside.
package edge
