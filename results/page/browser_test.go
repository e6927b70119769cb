package page

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/xmpp-testday/testday/results"
)

// browser starts headless Chromium, or skips the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("needs Chromium in PATH: apt-get install chromium")
	}
	if testing.Short() {
		t.Skip("starts a browser, which is not short")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// step is an action that returns nothing.
type step = chromedp.Action[chromedp.Void]

// command is a step that sends a command of the protocol.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, c, params)
		return chromedp.Void{}, err
	}
}

// scheme makes the page believe that its reader prefers light or dark.
func scheme(name string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// tab is a page in a browser, and what went wrong in it.
type tab struct {
	*testing.T
	ctx context.Context
	url string

	mu       sync.Mutex
	troubles []string
}

// open writes the page of a matrix to a file and loads it with a fragment. At the
// end of the test nothing must have been requested but the file, and nothing have
// been said on the console.
func open(t *testing.T, browser context.Context, m *results.Matrix, fragment string, before ...step) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "index.html")
	if err := os.WriteFile(path, []byte(render(t, m)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	p := &tab{T: t, ctx: ctx, url: (&url.URL{Scheme: "file", Path: path}).String()}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; u != p.url && !strings.HasPrefix(u, "data:") {
				p.trouble("requests " + u)
			}
		case *runtime.EventExceptionThrown:
			p.trouble("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			p.trouble(fmt.Sprint("console ", e.Type))
		case *log.EventEntryAdded:
			p.trouble("log: " + e.Entry.Text)
		case *cdppage.EventJavascriptDialogOpening:
			p.trouble("dialog: " + e.Message)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// A page that does not have the focus, as may be on a busy machine, may not write
	// to the clipboard.
	p.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	p.do(before...)
	p.do(chromedp.Navigate(p.url + fragment))
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Error(trouble)
		}
	})
	return p
}

func (p *tab) trouble(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, s)
}

func (p *tab) do(actions ...step) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// eval evaluates an expression in the page.
func eval[V any](p *tab, expression string) V {
	p.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[V](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return v
}

// text is what the elements say, in one line each.
func (p *tab) text(selector string) []string {
	p.Helper()
	return eval[[]string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(n => n.textContent.replace(/\s+/g, ' ').trim())`, selector))
}

func (p *tab) is(selector string, want ...string) {
	p.Helper()
	if got := p.text(selector); !slices.Equal(got, want) {
		p.Errorf("%s says %q, want %q", selector, got, want)
	}
}

func (p *tab) fragment(want string) {
	p.Helper()
	if got := eval[string](p, `location.hash`); got != want {
		p.Errorf("the fragment is %q, want %q", got, want)
	}
}

// tabTo presses Tab until an element that matches has the focus.
func (p *tab) tabTo(selector string) {
	p.Helper()
	for range 200 {
		p.do(chromedp.KeyEvent(kb.Tab))
		if eval[bool](p, fmt.Sprintf(`document.activeElement.matches(%q)`, selector)) {
			return
		}
	}
	p.Fatalf("Tab never reaches %s", selector)
}

// back goes back, and waits until the page has followed.
func (p *tab) back() {
	p.Helper()
	p.moves(`history.back()`)
}

// paste changes the fragment as if another were pasted.
func (p *tab) paste(fragment string) {
	p.Helper()
	p.moves(fmt.Sprintf(`location.hash = %q`, fragment))
}

// moves waits until the page has followed where a statement moves it.
func (p *tab) moves(statement string) {
	p.Helper()
	eval[bool](p, `new Promise(done => { addEventListener('popstate', () => setTimeout(() => done(true)), {once: true}); `+statement+`; })`)
}

func countCells(m *results.Matrix, want func(*results.Cell) bool) int {
	n := 0
	for i := range m.Cells {
		if want(&m.Cells[i]) {
			n++
		}
	}
	return n
}

func TestBrowser(t *testing.T) {
	b := browser(t)
	run := func(name string, f func(*testing.T, context.Context)) { t.Run(name, func(t *testing.T) { f(t, b) }) }
	run("keyboard", testKeyboard)
	run("fragment", testFragment)
	run("filters", testFilters)
	run("evidence", testEvidence)
	run("links", testLinks)
	run("hostile", testHostile)
	run("large", testLarge)
	run("contrast", testContrast)
	run("narrow", testNarrow)
	run("theme", testTheme)
	run("without script", testWithoutScript)
	run("empty", testEmpty)
}

// testKeyboard goes from the table to the evidence of a cell and back without a
// pointer.
func testKeyboard(t *testing.T, b context.Context) {
	p := open(t, b, day(3, 20), "")
	p.do(chromedp.KeyEvent(kb.Tab))
	p.is(":focus", "Skip to the matrix")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.tabTo(`td[data-row="0"][data-column="1"] a`)
	p.do(chromedp.KeyEvent(kb.Enter))
	p.fragment("#pair=prosody@13,ejabberd@26.07")
	p.is(":focus", "prosody@13 → ejabberd@26.07 20 cells")
	p.is("#list th.group", "s2s-dialback 5", "s2s-pkix 5", "s2s-policy 5", "s2s-starttls 5")
	if got := len(p.text("#list tbody td:first-child")); got != 20 {
		t.Errorf("%d cells are listed, want 20", got)
	}
	p.tabTo("#list tbody a")
	scenario := p.text(":focus")[0]
	p.do(chromedp.KeyEvent(kb.Enter))
	p.is(":focus", scenario)
	p.is("#evidence-title", scenario)
	p.fragment("#pair=prosody@13,ejabberd@26.07&cell=" + scenario + ":prosody@13:ejabberd@26.07")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.is(":focus", scenario)
	p.is("#evidence-title")
	p.fragment("#pair=prosody@13,ejabberd@26.07")
	p.tabTo("#legend *, body")
	if eval[bool](p, `document.activeElement.closest('#list') !== null`) {
		t.Error("the focus is caught in the list")
	}
}

func testFragment(t *testing.T, b context.Context) {
	m := day(3, 20)
	id := m.Cells[25].ID
	// As a mail program might pass it on, all escaped.
	p := open(t, b, m, "#v=fail,pass&f=s2s-policy,s2s-pkix&s=prosody%4013&q=tls&core=1&pair=prosody%4013,ejabberd%4026.07&cell="+url.PathEscape(id))
	p.is("#evidence p.id", id)
	checked := eval[[]string](p, `[...document.querySelectorAll('#filters input:checked')].map(i => i.name + ' ' + i.closest('label').textContent.replace(/[^a-z0-9@.-]+/g, ' ').trim().split(' ')[0])`)
	if want := []string{"v fail", "v pass", "f s2s-pkix", "f s2s-policy", "s prosody@13", "core core"}; !slices.Equal(checked, want) {
		t.Errorf("checked %q, want %q", checked, want)
	}
	if got := eval[string](p, `document.querySelector('[name=q]').value`); got != "tls" {
		t.Errorf("the text is %q", got)
	}
	if got := eval[string](p, `document.querySelector('a[aria-current]').closest('td').dataset.column`); got != "1" {
		t.Errorf("column %s is current, want 1", got)
	}

	// The back button undoes selections, one by one.
	p = open(t, b, m, "")
	p.do(chromedp.Click(chromedp.CSS(`td[data-row="1"][data-column="2"] a`)), chromedp.Click(chromedp.CSS(`#list tbody a`)))
	if p.text("#evidence-title") == nil {
		t.Fatal("no evidence after a click")
	}
	p.back()
	p.fragment("#pair=ejabberd@26.07,jabberd2@2.7.0")
	p.is("#evidence-title")
	p.back()
	p.fragment("")
	p.is("a[aria-current]")

	// A link that is pasted into the same tab.
	p.paste("#red=1")
	p.is("#shown", fmt.Sprintf("%d of 180 cells shown", countCells(m, func(c *results.Cell) bool { return c.Verdict.Red() })))

	for _, odd := range []string{"#%", "#v=%ff%fe", "#pair=a", "#cell=", "#=&&=x&cell", "#s=nobody", "#cell=__proto__", "#pair=,&v=,", "#matrix"} {
		p.paste(odd)
		if got := p.text("#list-title"); len(got) != 1 || got[0] == "" {
			t.Errorf("%s: the list is headed %q", odd, got)
		}
	}
	p.paste("#cell=s2s/none:a:b")
	p.is("#evidence-title", "No such cell")
}

func testFilters(t *testing.T, b context.Context) {
	m := day(3, 20)
	p := open(t, b, m, "")
	core := map[string]bool{}
	family := map[string]string{}
	for _, s := range m.Scenarios {
		core[s.ID], family[s.ID] = s.Core, s.Family
	}
	shown := func(f func(*results.Cell) bool) {
		t.Helper()
		want := countCells(m, f)
		if want == 0 || want == len(m.Cells) {
			t.Fatalf("%d cells of %d: the test has no meaning", want, len(m.Cells))
		}
		p.is("#shown", fmt.Sprintf("%d of %d cells shown", want, len(m.Cells)))
		if got := len(p.text("#list tbody td:first-child")); got != min(want, 60) {
			t.Errorf("%d rows are listed of %d cells", got, want)
		}
		// The table counts the same cells.
		sum := eval[int](p, `[...document.querySelectorAll('.square .num, .square .apart')].reduce((sum, n) => sum + Number(/\d+/.exec(n.textContent)[0]), 0)`)
		if sum != want {
			t.Errorf("the table counts %d cells, want %d", sum, want)
		}
	}
	box := func(name string, n int) step {
		return chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelectorAll('#filters input[name=%q]')[%d].click()`, name, n))
	}
	p.is("#shown", "180 cells")
	p.do(box("core", 0))
	shown(func(c *results.Cell) bool { return core[c.Scenario] })
	p.do(box("red", 0))
	p.fragment("#core=1&red=1")
	shown(func(c *results.Cell) bool { return core[c.Scenario] && c.Verdict.Red() })
	p.do(box("core", 0), box("red", 0), box("f", 1), box("f", 3))
	p.fragment("#f=s2s-pkix,s2s-starttls")
	shown(func(c *results.Cell) bool {
		return family[c.Scenario] == "s2s-pkix" || family[c.Scenario] == "s2s-starttls"
	})
	p.do(box("s", 2))
	shown(func(c *results.Cell) bool {
		return (family[c.Scenario] == "s2s-pkix" || family[c.Scenario] == "s2s-starttls") && slices.Contains(c.Subjects, "jabberd2@2.7.0")
	})
	p.do(chromedp.Click(chromedp.CSS("#clear")))
	p.fragment("")
	p.do(chromedp.SendKeys(chromedp.CSS("[name=q]"), "INSIDE tls 1.3 prosody@13:prosody"))
	p.fragment("#q=INSIDE%20tls%201.3%20prosody@13:prosody")
	shown(func(c *results.Cell) bool {
		return strings.HasPrefix(c.Why, "delivered both ways inside TLS 1.3") && strings.HasSuffix(c.ID, ":prosody@13:prosody@13")
	})
	p.do(chromedp.SendKeys(chromedp.CSS("[name=q]"), " nowhere"))
	p.is("#shown", "0 of 180 cells shown")
	p.is("#list", "No cell matches the filters.")
	p.do(chromedp.Click(chromedp.CSS("#clear")))
	for n, v := range p.text(`#filters [name=v] + span`) {
		name := strings.Fields(v)[1]
		p.do(box("v", n))
		p.fragment("#v=" + name)
		shown(func(c *results.Cell) bool { return string(c.Verdict) == name })
		p.do(box("v", n))
	}
	if got := eval[string](p, `document.getElementById('shown').getAttribute('aria-live')`); got != "polite" {
		t.Errorf("aria-live of the count is %q", got)
	}
}

func testEvidence(t *testing.T, b context.Context) {
	m := day(2, 3)
	c := &m.Cells[1]
	c.Verdict, c.Blame, c.Why, c.Policy = results.Fail, results.BlameInitiator, "the sender was told nothing", "P2/good off/srvonly"
	c.Known = &results.Known{Reason: "tracked upstream", Link: "https://example.org/issues/1", Since: "2026-02-01"}
	c.Cites = []results.Citation{{Document: "RFC 7590", Section: "3.4", Level: results.Should}}
	c.Possible = "dane both ways"
	c.Inventory = []string{"initiator's stream: TLS server name: b1.lab", "receiver's stream: stream from: \u202e<b>b1.lab"}
	p := open(t, b, m, "#cell="+c.ID, clipboard())
	p.is("#evidence h2", c.Scenario)
	p.is("#evidence .finding", "✗ fail, blames initiatorthe sender was told nothing")
	p.is("#evidence .known", "Known since 2026-02-01: tracked upstream https://example.org/issues/1")
	said := p.text("#evidence")[0]
	for _, want := range []string{
		"Does the receiver refuse a certificate that nobody vouches for?", "No stanza is delivered, and the sender is told why.",
		"RFC 7590 § 3.4 SHOULD", "RFC 6120 § 13.7.2 MUST", "XEP-0220 § 2.4.2 SHOULD", "Manifesto POLICY",
		"13.0.7 (13.0.7-1)", "P2, TLS required, peer authenticated", "off, no TLS", "srvonly, valid, for servers only",
		"best: delivered both ways with pkix; allowed: dialback", "dane both ways",
		"delivered, encrypted, TLS 1.3 TLS_AES_256_GCM_SHA384, initiator by pkix, receiver by dialback",
		"Messages1 of 1 delivered0 of 1 delivered", "TLSTLS 1.3TLS 1.2", "Authenticatedpkixdialback", "Conditionnoneremote-server-not-found",
		"Endopenreceiver: alert unknown_ca", "clients, wire, log:initiator", "make interop CELL='" + c.ID + "'",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %q", want, said)
		}
	}
	links := eval[[]string](p, `[...document.querySelectorAll('#evidence a')].map(a => a.getAttribute('href'))`)
	for _, want := range []string{
		"https://www.rfc-editor.org/rfc/rfc6120#section-13.7.2", "https://xmpp.org/extensions/xep-0220.html", "https://example.org/issues/1",
		"#cell=" + c.Control[0], "./" + c.Artefacts[2],
	} {
		if !slices.Contains(links, want) {
			t.Errorf("no link to %s among %q", want, links)
		}
	}
	p.is("#evidence .inventory li", "initiator's stream: TLS server name: b1.lab", "receiver's stream: stream from: \ufffd<b>b1.lab")
	p.is("#evidence .files a", "observation.json", "transcript.txt", "cell.pcapng", "log/dns.txt")
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#evidence .command button').click()`))
	if got := p.copied(); got != c.Reproduce {
		t.Errorf("copied %q, want %q", got, c.Reproduce)
	}
	p.is("#said", "Copied")

	c.Known.Link = "unreported"
	p = open(t, b, m, "#cell="+c.ID)
	p.is("#evidence .known", "Known since 2026-02-01: tracked upstream (unreported)")
	p.is("#evidence .known a")
}

// testLinks goes through the cells of a list by the buttons of the evidence.
func testLinks(t *testing.T, b context.Context) {
	m := day(2, 9)
	p := open(t, b, m, "#pair=prosody@13,ejabberd@26.07")
	want := p.text("#list tbody a")
	p.do(chromedp.Click(chromedp.CSS("#list tbody a")))
	var got []string
	for range want {
		got = append(got, p.text("#evidence-title")...)
		p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll('#evidence .bar-top button')[1].click()`))
	}
	if !slices.Equal(got, want) {
		t.Errorf("went through %q, want %q", got, want)
	}
	if !eval[bool](p, `document.querySelectorAll('#evidence .bar-top button')[1].disabled`) {
		t.Error("there is a next cell after the last")
	}
}

func testHostile(t *testing.T, b context.Context) {
	m := spiteful()
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	for _, c := range m.Cells {
		id := strings.ToValidUTF8(c.ID, "\ufffd")
		for _, fragment := range []string{"", "#cell=" + escape(id), "#q=" + escape(hostile), "#v=" + escape(hostile) + "&cell=odd"} {
			p := open(t, b, m, fragment)
			if strings.HasPrefix(fragment, "#cell=") && !strings.Contains(p.text("#evidence-title")[0], "<script>") {
				t.Errorf("%s: no evidence of the cell", fragment)
			}
			if n := eval[int](p, `document.querySelectorAll('img, iframe, [onload], [onerror], script:not([id=data])').length`); n != 1 {
				t.Errorf("%s: %d elements that are not ours", fragment, n-1)
			}
			if bad := eval[[]string](p, `[...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(h => !/^(#|\.\/|https:\/\/(www\.rfc-editor\.org|xmpp\.org)\/)/.test(h))`); len(bad) > 0 {
				t.Errorf("%s: links to %q", fragment, bad)
			}
			if bad := eval[[]string](p, `[...document.querySelectorAll('a[href^="./"]')].map(a => new URL(a.href)).filter(u => u.protocol !== 'file:' || !u.pathname.startsWith(location.pathname.replace('index.html', ''))).map(String)`); len(bad) > 0 {
				t.Errorf("%s: links out of the folder to %q", fragment, bad)
			}
			if eval[bool](p, `/[\u202a-\u202e\u2066-\u2069\u0000\u001b]/.test(document.body.innerText)`) {
				t.Errorf("%s: marks of direction or controls are in the page", fragment)
			}
			if !strings.Contains(strings.Join(p.text("body"), ""), "<script>alert(1)</script>") {
				t.Errorf("%s: the hostile text is not shown as it is", fragment)
			}
		}
	}
	p := open(t, b, m, "#v=exposed", clipboard())
	p.do(chromedp.Click(chromedp.CSS("#list tbody a")), chromedp.Evaluate[chromedp.Void](`document.querySelector('#evidence .command button').click()`))
	if got := p.copied(); strings.ContainsAny(got, "\n\r\x1b") || !strings.HasSuffix(got, " rm -rf ~") {
		t.Errorf("copied %q, which is more than a line", got)
	}
}

// clipboard lets the page of a test read back what it copied.
func clipboard() step {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		for _, name := range []string{"clipboard-read", "clipboard-write"} {
			_, err := chromedp.CallBrowser(ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
				Permission: &cdpbrowser.PermissionDescriptor{Name: name}, Setting: cdpbrowser.PermissionSettingGranted,
			})
			if err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	}
}

// copied waits until the page says that it copied, and returns what.
func (p *tab) copied() string {
	p.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](`document.querySelector('.command button').textContent !== 'Copy'`)); err != nil {
		p.Fatal(err)
	}
	p.is(".command button", "Copied")
	return eval[string](p, `navigator.clipboard.readText()`)
}

func testLarge(t *testing.T, b context.Context) {
	m := day(7, 62)
	if len(m.Cells) < 3000 {
		t.Fatalf("%d cells", len(m.Cells))
	}
	p := open(t, b, m, "")
	p.is("#shown", "3038 cells")
	if n := eval[int](p, `document.querySelectorAll('*').length`); n > 6000 {
		t.Errorf("%d elements at load", n)
	}
	p.do(chromedp.Click(chromedp.CSS(`#filters [name=v][value=pass]`)))
	passes := countCells(m, func(c *results.Cell) bool { return c.Verdict == results.Pass })
	p.is("#shown", fmt.Sprintf("%d of 3038 cells shown", passes))
	rows := func() int { return len(p.text("#list tbody td:first-child")) }
	if n := rows(); n != 60 {
		t.Errorf("%d rows before more are asked for", n)
	}
	p.is("#list .more", fmt.Sprintf("Show 200 more of %d", passes-60))
	p.do(chromedp.Click(chromedp.CSS("#list .more")))
	if n := rows(); n != 260 {
		t.Errorf("%d rows after more were asked for", n)
	}
	took := eval[float64](p, `(() => {
		const q = document.querySelector('[name=q]'), begin = performance.now();
		for (const text of ['alert', 'jabberd2', 'alert unknown_ca', 'x', '']) {
			q.value = text;
			q.dispatchEvent(new Event('input', {bubbles: true}));
			document.body.offsetHeight;
		}
		return (performance.now() - begin) / 5;
	})()`)
	t.Logf("%d cells, %d KiB: a filter takes %.1f ms", len(m.Cells), len(render(t, m))>>10, took)
}

// contrastOf finds texts that WCAG 2.1 section 1.4.3 (AA) says are too faint. Each
// text is compared with the nearest opaque colour below it.
const contrastOf = `(() => {
	const parse = s => { const v = s.match(/[\d.]+/g).map(Number); return v.length < 4 ? [...v, 1] : v; };
	const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
	const ground = n => { for (; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c[3] === 1) return c; } throw new Error('no ground'); };
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = new Set();
	let texts = 0;
	for (let n; (n = walker.nextNode());) {
		const e = n.parentElement, style = getComputedStyle(e);
		if (!n.data.trim() || !e.checkVisibility() || e.closest('.vh, script, noscript, :disabled')) continue;
		texts++;
		const [a, b] = [luminance(parse(style.color)), luminance(ground(e))].sort((x, y) => y - x);
		const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
		const ratio = (a + 0.05) / (b + 0.05);
		if (ratio < (large ? 3 : 4.5)) faint.add(ratio.toFixed(2) + ' ' + (e.className || e.tagName) + ': ' + n.data.trim().slice(0, 30));
	}
	return [String(texts), ...faint];
})()`

func testContrast(t *testing.T, b context.Context) {
	m := day(3, 62)
	var red string
	for _, c := range m.Cells {
		if c.Known != nil {
			red = c.ID
		}
	}
	for _, preferred := range []string{"light", "dark"} {
		p := open(t, b, m, "#s=prosody@13&cell="+red, scheme(preferred))
		ground := eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`)
		if want := map[string]string{"light": "rgb(246, 247, 249)", "dark": "rgb(18, 21, 26)"}[preferred]; ground != want {
			t.Errorf("%s: the ground is %s, want %s", preferred, ground, want)
		}
		for _, v := range verdicts {
			if len(p.text(".what.v-"+string(v.Name)))+len(p.text(".v-"+string(v.Name))) == 0 {
				t.Errorf("%s: no text with the colour of %s", preferred, v.Name)
			}
		}
		got := eval[[]string](p, contrastOf)
		if got[0] < "1" || len(got) > 1 {
			t.Errorf("%s: of %s texts are too faint: %q", preferred, got[0], got[1:])
		}
	}
}

// testNarrow looks for what makes a page wider than a telephone.
func testNarrow(t *testing.T, b context.Context) {
	m := day(7, 20)
	for _, fragment := range []string{"", "#pair=prosody@13,prosody@13", "#cell=" + m.Cells[0].ID} {
		p := open(t, b, m, fragment)
		for _, width := range []int64{320, 400, 768, 1280} {
			p.do(chromedp.EmulateViewport(width, 800))
			if got := eval[int64](p, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s: %d wide in a window of %d", fragment, got, width)
			}
		}
	}
}

func testTheme(t *testing.T, b context.Context) {
	p := open(t, b, day(1, 1), "", scheme("light"))
	for _, want := range []struct{ name, ground string }{{"Theme: auto", "rgb(246, 247, 249)"}, {"Theme: light", "rgb(246, 247, 249)"}, {"Theme: dark", "rgb(18, 21, 26)"}, {"Theme: auto", "rgb(246, 247, 249)"}} {
		p.is("#theme", want.name)
		if got := eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`); got != want.ground {
			t.Errorf("%s: the ground is %s, want %s", want.name, got, want.ground)
		}
		p.do(chromedp.Click(chromedp.CSS("#theme")))
	}
}

func testWithoutScript(t *testing.T, b context.Context) {
	m := day(2, 20)
	p := open(t, b, m, "", command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	seen, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS("main")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Summary", "Matrix", "ejabberd@26.07", "Red cells", "Legend"} {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in %q", want, seen)
		}
	}
	for _, not := range []string{"Clear filters", "Previous"} {
		if strings.Contains(seen, not) {
			t.Errorf("%q is shown, which does nothing", not)
		}
	}
}

func testEmpty(t *testing.T, b context.Context) {
	p := open(t, b, &results.Matrix{Run: results.Run{ID: "none"}}, "")
	p.is("#shown", "0 cells")
	p.is(".verdict-line", "No red cells")
	p.is("#list-title", "Cells that need attention 0")
}
