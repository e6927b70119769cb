package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/xmpp-testday/testday/fixtures/engine"
	"github.com/xmpp-testday/testday/suites/interop"
)

// TestLab: a lab says how to reach its servers, their accounts and its DNS, and
// leaves nothing behind when it is interrupted.
func TestLab(t *testing.T) {
	if os.Getenv("TESTDAY_DOCKER") != "1" {
		t.Skip("needs a container engine: set TESTDAY_DOCKER=1")
	}
	docker, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	root, err := interop.Root()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "lab")
	c.Dir = root
	c.Env = append(environ(), "SERVERS=prosody@13", "CELL="+aCell)
	c.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Ctrl-C ends the lab.") {
			break
		}
	}
	for _, want := range []string{
		`prosody@13-i-P1 +[0-9.]+ +docker exec -it [0-9a-f]{12,} sh`, `prosody@13-r-P1 +[0-9.]+ +docker exec -it [0-9a-f]{12,} sh`,
		`alice[0-9a-f]+@a[0-9]+\.lab +password pw[0-9a-f]+ +P1 with certificate good`, `DNS inside the lab: [0-9.]+`,
	} {
		if !regexp.MustCompile(want).MatchString(said.String()) {
			t.Errorf("nothing like %q in:\n%s%s", want, said.String(), stderr.String())
		}
	}
	run := ""
	if id := regexp.MustCompile(`docker exec -it ([0-9a-f]+) sh`).FindStringSubmatch(said.String()); id != nil {
		server, err := docker.ContainerInspect(ctx, id[1], client.ContainerInspectOptions{})
		if err != nil {
			t.Errorf("the server that was named: %v", err)
		} else {
			run = server.Container.Config.Labels[engine.LabelRun]
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // to the end
	}
	if err := c.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("interrupted: %v\n%s", err, stderr.String())
	}
	if run == "" {
		t.Fatal("no container has the label of the run")
	}
	left, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", engine.LabelRun+"="+run)})
	if err != nil {
		t.Fatal(err)
	}
	if len(left.Items) > 0 {
		t.Errorf("%d containers are left", len(left.Items))
	}
}
