// Package rundir reads and writes the folder of a run.
//
//	results/runs/20261123T101500Z/
//	  run.json                  what the run is: id, seed, subjects, planned cells
//	  matrix.json index.html    publications, made when the run ends or later
//	  cells/s2s/starttls/required-both/prosody@13_ejabberd@26.07/
//	    observation.json        all that the judge reads
//	    transcript.txt          both directions of every stream, decrypted
//	    capture.pcapng          the same, for Wireshark, with its secrets
//	    ...
//
// Cells are written as they finish, each file at once and whole, so that a
// run that was killed can still be published:
//
//	d, err := rundir.Open("results/runs/latest")
//	o, err := d.Observation("cells/s2s/...")
package rundir
