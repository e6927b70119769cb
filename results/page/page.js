'use strict';
(() => {
	const byId = id => document.getElementById(id);
	const data = JSON.parse(byId('data').textContent);
	const cells = data.matrix.cells || [];
	const firstRows = 60, moreRows = 200;

	// What servers said is shown as text nodes only, on one line, with what would
	// hide or reorder it made visible.
	const clean = s => String(s ?? '').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, c => /[\n\r\t]/.test(c) ? ' ' : '\ufffd');

	const append = (node, children) => {
		for (const child of children.flat(Infinity)) {
			if (child === null || child === undefined || child === false || child === '') continue;
			node.append(child instanceof Node ? child : clean(child));
		}
		return node;
	};
	const h = (name, attributes, ...children) => {
		const node = document.createElement(name);
		for (const [key, value] of Object.entries(attributes || {})) {
			if (key === 'on') for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
			else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
		}
		return append(node, children);
	};
	const bdi = text => h('bdi', null, text);
	const mark = v => h('span', {class: 'mark', 'aria-hidden': 'true'}, v.mark);
	const plural = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;

	// ---- what the matrix says

	const ranks = new Map(data.verdicts.map((v, n) => [v.name, n]));
	const undecided = ranks.get('inconclusive');
	const scenarios = new Map((data.matrix.scenarios || []).map(s => [s.id, s]));
	const subjects = new Map((data.matrix.subjects || []).map(s => [s.name, s]));
	const cellById = new Map();
	const pairOf = c => {
		const s = c.subjects || [];
		return s.length ? [s[0], s[1] ?? s[0]] : ['', ''];
	};
	const cite = c => [c.document, c.section && '§ ' + c.section, c.level].filter(Boolean).join(' ');
	const index = cells.map(c => {
		const s = scenarios.get(c.scenario);
		const [from, to] = pairOf(c);
		const entry = {
			cell: c, rank: ranks.get(c.verdict) ?? undecided, from, to, family: s ? s.family : c.scenario, core: Boolean(s && s.core),
			text: '',
		};
		cellById.set(c.id, entry);
		return entry;
	});
	const verdictOf = e => data.verdicts[e.rank];
	const text = e => {
		if (e.text) return e.text;
		const c = e.cell, s = scenarios.get(c.scenario), o = c.outcome || {};
		const legs = [o.there, o.back].filter(Boolean).flatMap(l => [l.tls, l.suite, l.auth, l.condition, l.end]);
		e.text = [c.id, c.policy, c.verdict, c.blame, c.why, c.expected, c.possible, (c.notes || []).map(n => `${n.name}: ${n.value}`), c.known && [c.known.reason, c.known.link],
			s && [s.asks, s.expect, (s.cites || []).map(cite)], (c.cites || []).map(cite), legs].flat(Infinity).filter(Boolean).join('\n').toLowerCase();
		return e.text;
	};

	// ---- state: all of it is in the fragment

	const encode = s => encodeURIComponent(s.replace(/\p{Cs}/gu, '\ufffd')).replace(/%(2F|3A|40)/g, decodeURIComponent);
	const decode = s => {
		try { return decodeURIComponent(s); } catch { return s; }
	};
	const read = () => {
		const state = {v: new Set(), f: new Set(), s: new Set(), q: '', core: false, red: false, pair: null, cell: null};
		for (const item of location.hash.slice(1).split('&')) {
			const at = item.indexOf('=');
			if (at < 0) continue;
			const key = item.slice(0, at), value = item.slice(at + 1), list = () => value.split(',').filter(Boolean).map(decode);
			if (key === 'v' || key === 'f' || key === 's') state[key] = new Set(list());
			else if (key === 'core' || key === 'red') state[key] = value === '1';
			else if (key === 'q' || key === 'cell') state[key] = decode(value);
			else if (key === 'pair' && value.split(',').length === 2) state.pair = value.split(',').map(decode);
		}
		return state;
	};
	const fragment = s => {
		const parts = [];
		for (const key of ['v', 'f', 's']) if (s[key].size) parts.push(key + '=' + [...s[key]].map(encode).join(','));
		if (s.q) parts.push('q=' + encode(s.q));
		if (s.core) parts.push('core=1');
		if (s.red) parts.push('red=1');
		if (s.pair) parts.push('pair=' + s.pair.map(encode).join(','));
		if (s.cell !== null) parts.push('cell=' + encode(s.cell));
		return '#' + parts.join('&');
	};
	let state = read(), limit = firstRows, shownCells = [];
	const link = change => fragment({...state, ...change});
	const go = (change, replace) => {
		const to = link(change);
		if (to !== (location.hash || '#')) history[replace ? 'replaceState' : 'pushState'](null, '', to);
		state = read();
		limit = firstRows;
		render();
	};
	// Follows a link of ours in place, but leaves opening it elsewhere to the browser.
	const follow = (change, then) => ({
		click: event => {
			if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
			event.preventDefault();
			go(change());
			then();
		},
	});

	// ---- filters

	const form = byId('filters');
	const filtering = () => Boolean(state.v.size || state.f.size || state.s.size || state.q || state.core || state.red);
	const filter = () => {
		const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
		return index.filter(e =>
			(!state.v.size || state.v.has(e.cell.verdict)) &&
			(!state.f.size || state.f.has(e.family)) &&
			(!state.s.size || state.s.has(e.from) || state.s.has(e.to)) &&
			(!state.core || e.core) && (!state.red || verdictOf(e).red) &&
			words.every(w => text(e).includes(w)));
	};
	const values = {v: box => box.value, f: box => data.families[box.value], s: box => data.names[box.value]};
	const boxes = name => [...form.querySelectorAll(`input[name="${name}"]`)];
	form.addEventListener('change', event => {
		const {name, checked} = event.target;
		if (values[name]) go({[name]: new Set(boxes(name).filter(b => b.checked).map(values[name]))});
		else if (name === 'core' || name === 'red') go({[name]: checked});
	});
	form.elements.q.addEventListener('input', event => go({q: event.target.value}, true));
	form.addEventListener('submit', event => event.preventDefault());
	byId('clear').addEventListener('click', () => go({v: new Set(), f: new Set(), s: new Set(), q: '', core: false, red: false}));

	const renderFilters = found => {
		for (const name of ['v', 'f', 's']) for (const box of boxes(name)) box.checked = state[name].has(values[name](box));
		form.elements.core.checked = state.core;
		form.elements.red.checked = state.red;
		if (form.elements.q.value !== state.q) form.elements.q.value = state.q;
		byId('clear').disabled = !filtering();
		const said = filtering() ? `${found.length} of ${plural(cells.length, 'cell')} shown` : plural(cells.length, 'cell');
		if (byId('shown').textContent !== said) byId('shown').textContent = said;
	};

	// ---- the matrix

	const svg = (name, attributes) => {
		const node = document.createElementNS('http://www.w3.org/2000/svg', name);
		for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
		return node;
	};
	const bar = counts => {
		const node = svg('svg', {class: 'bar', viewBox: '0 0 100 1', preserveAspectRatio: 'none', 'aria-hidden': 'true'});
		const all = counts.reduce((sum, c) => sum + c.n, 0);
		let x = 0;
		for (const {v, n} of counts) {
			node.append(svg('rect', {class: 'v-' + v.name, x, width: 100 * n / all, height: 1}));
			x += 100 * n / all;
		}
		return node;
	};
	const squares = [...document.querySelectorAll('td.square[data-row]')].map(td => {
		const pair = [data.names[td.dataset.row], data.names[td.dataset.column]];
		const a = td.querySelector('a');
		const events = follow(() => ({pair, cell: null}), () => focusList());
		a.addEventListener('click', events.click);
		return {td, a, pair, key: JSON.stringify(pair)};
	});
	const renderSquares = found => {
		const tallies = new Map();
		for (const e of found) {
			const key = JSON.stringify([e.from, e.to]);
			if (!tallies.has(key)) tallies.set(key, data.verdicts.map(v => ({v, n: 0, known: 0})));
			const count = tallies.get(key)[e.rank];
			count.n++;
			if (e.cell.known) count.known++;
		}
		for (const {td, a, pair, key} of squares) {
			const counts = (tallies.get(key) || []).filter(c => c.n > 0);
			const judged = counts.filter(c => !c.v.apart), apart = counts.filter(c => c.v.apart);
			const worst = (judged[0] || apart[0] || {}).v;
			const red = judged.filter(c => c.v.red), allKnown = red.length > 0 && red.every(c => c.known === c.n);
			a.setAttribute('href', link({pair, cell: null}));
			td.className = 'square' + (worst ? ' worst-' + worst.name : '') + (allKnown ? ' all-known' : '');
			if (state.pair && JSON.stringify(state.pair) === key) a.setAttribute('aria-current', 'true');
			else a.removeAttribute('aria-current');
			a.replaceChildren();
			append(a, [h('span', {class: 'vh'}, `${pair[0]} to ${pair[1]}: `)]);
			if (!worst) {
				append(a, [h('span', {class: 'quiet'}, 'none shown')]);
				continue;
			}
			append(a, [
				h('span', {class: 'worst v-' + worst.name}, h('span', {class: 'vh'}, 'worst: '), mark(worst), ' ', worst.name, allKnown && ', known'),
				judged.length > 0 && bar(judged),
				h('span', {class: 'nums'}, judged.map(c => [h('span', {class: 'num v-' + c.v.name}, mark(c.v), c.n,
					c.known > 0 && [' ', h('span', {class: 'quiet'}, `(${c.known} known)`)], h('span', {class: 'vh'}, ` ${c.v.name}, `)), ' '])),
				apart.map(c => h('span', {class: 'apart'}, `${c.n} ${c.v.name}`)),
			]);
		}
	};

	// ---- the list of cells

	const focusOn = node => {
		node.focus({preventScroll: true});
		node.scrollIntoView({block: 'start'});
	};
	const focusList = () => focusOn(byId('list-title'));
	const cellLink = (e, content) => h('a', {href: link({cell: e.cell.id}), on: follow(() => ({cell: e.cell.id}), focusEvidence), 'aria-current': state.cell === e.cell.id ? 'true' : null}, content);
	const policies = c => (c.policy || '').split(' ').filter(Boolean);

	// A scenario that is asked in several worlds has cells that differ by their name.
	const world = c => {
		const [, name] = /^[^:+]*\+([^:]*):/.exec(c.id) || [];
		return name ? [' ', h('span', {class: 'world'}, bdi(name))] : null;
	};
	const rowOf = (e, withPair) => {
		const c = e.cell, v = verdictOf(e);
		return h('tr', {class: state.cell === c.id ? 'chosen' : null},
			h('td', null,
				h('span', {class: 'what v-' + v.name}, mark(v), ' ', v.name),
				c.blame && h('span', {class: 'who'}, 'blames ', c.blame)),
			h('td', null, cellLink(e, c.scenario), world(c), c.known && h('span', {class: 'tag'}, 'known'), e.core && h('span', {class: 'tag'}, 'core'),
				h('span', {class: 'why'}, bdi(c.why))),
			withPair && h('td', {class: 'pair'}, bdi(e.from), ' → ', bdi(e.to)),
			h('td', {class: 'policy mono'}, policies(c).flatMap((p, n) => n ? [h('br'), p] : [p])),
			h('td', {class: 'took'}, (c.seconds || 0).toFixed(2)));
	};

	const renderList = found => {
		const title = byId('list-title'), list = byId('list'), pair = state.pair;
		let note = null;
		title.replaceChildren();
		if (pair) {
			found = found.filter(e => e.from === pair[0] && e.to === pair[1]);
			append(title, [h('span', null, bdi(pair[0]), ' → ', bdi(pair[1]), h('span', {class: 'quiet'}, ` ${plural(found.length, 'cell')}${filtering() ? ' shown' : ''}`))]);
			note = h('p', {class: 'hint'}, h('a', {href: link({pair: null, cell: null}), on: follow(() => ({pair: null, cell: null}), focusList)}, 'All pairs'));
		} else if (filtering()) {
			append(title, ['Cells shown ', h('span', {class: 'quiet'}, found.length)]);
		} else {
			found = found.filter(e => verdictOf(e).attention);
			append(title, ['Cells that need attention ', h('span', {class: 'quiet'}, found.length)]);
			note = h('p', {class: 'hint'}, 'Select a square or filter to see others.');
		}
		found.sort((a, b) => (pair ? a.family.localeCompare(b.family) : 0) || a.rank - b.rank);
		shownCells = found;
		list.replaceChildren();
		if (note) list.append(note);
		if (!found.length) {
			append(list, [h('p', {class: 'nothing'}, filtering() ? 'No cell matches the filters.' : 'None.')]);
			return;
		}
		const columns = pair ? 4 : 5;
		const table = h('table', {class: 'cells', 'aria-labelledby': 'list-title'}, h('thead', null, h('tr', null,
			h('th', {scope: 'col'}, 'Verdict'), h('th', {scope: 'col'}, 'Scenario, and the fact that decided'), !pair && h('th', {scope: 'col', class: 'pair'}, 'From → to'),
			h('th', {scope: 'col', class: 'policy'}, 'Policy / certificate'), h('th', {scope: 'col', class: 'took'}, 'Seconds'))));
		const perFamily = new Map();
		if (pair) for (const e of found) perFamily.set(e.family, (perFamily.get(e.family) || 0) + 1);
		let body = null, family = null;
		for (const e of found.slice(0, limit)) {
			if (!body || pair && e.family !== family) {
				family = e.family;
				body = h('tbody', null, pair && h('tr', null, h('th', {class: 'group', scope: 'rowgroup', colspan: columns}, bdi(family), h('span', {class: 'quiet'}, ` ${perFamily.get(family)}`))));
				table.append(body);
			}
			body.append(rowOf(e, !pair));
		}
		list.append(table);
		if (found.length > limit) {
			const left = found.length - limit;
			append(list, [h('button', {type: 'button', class: 'more', on: {click: () => {
				const next = limit;
				limit += moreRows;
				renderList(filter());
				list.querySelectorAll('tbody a')[next]?.focus();
			}}}, `Show ${Math.min(moreRows, left)} more of ${left}`)]);
		}
	};

	// ---- the evidence of a cell

	const focusEvidence = () => {
		const title = byId('evidence-title');
		if (title) focusOn(title);
	};
	const words = {
		peer: 'a scripted peer of the harness',
		off: 'no TLS', P0: 'TLS optional', P1: 'TLS required, dialback allowed', P2: 'TLS required, peer authenticated',
		good: 'valid', self: 'self-signed', unkca: 'from a CA that is not trusted', expired: 'expired', other: 'for another name', srvonly: 'valid, for servers only (no clientAuth)',
	};
	const explained = key => words[key] && Object.hasOwn(words, key) ? [key, ', ', h('span', {class: 'quiet'}, words[key])] : [key];
	const yes = b => b ? 'yes' : 'no';
	const auths = {none: 'none: nothing was authenticated', '': 'not seen'};
	const auth = a => Object.hasOwn(auths, a || '') ? auths[a || ''] : a;

	const webAddress = s => {
		if (clean(s) !== s || !/^https?:\/\//i.test(s)) return null;
		try { return new URL(s).href; } catch { return null; }
	};
	const away = (address, content) => h('a', {href: address, rel: 'noopener noreferrer'}, content);
	const standard = c => {
		const rfc = /^RFC ([0-9]{1,5})$/.exec(c.document), xep = /^XEP-([0-9]{4})$/.exec(c.document);
		if (rfc) return `https://www.rfc-editor.org/rfc/rfc${rfc[1]}` + (/^[0-9]+(\.[0-9]+)*$/.test(c.section) ? '#section-' + c.section : '');
		return xep ? `https://xmpp.org/extensions/xep-${xep[1]}.html` : null;
	};
	const citations = list => h('ul', null, list.map(c => {
		const name = c.document + (c.section ? ' § ' + c.section : ''), address = standard(c);
		return h('li', null, address ? away(address, name) : bdi(name), ' ', h('span', {class: 'level'}, c.level));
	}));
	// An artefact is a file below the folder of this page, or it is not linked to. It
	// is called by what tells it from the others.
	const artefacts = paths => {
		const split = paths.map(path => String(path).split('/'));
		let shared = 0;
		while (split.every(parts => shared < parts.length - 1 && parts[shared] === split[0][shared])) shared++;
		return h('ul', {class: 'files'}, split.map((parts, n) => {
			const name = bdi(parts.slice(shared).join('/'));
			const outside = parts.some(p => p === '' || p === '.' || p === '..' || /[\\\u0000]/.test(p));
			return h('li', null, outside ? bdi(paths[n]) : h('a', {href: './' + parts.map(encodeURIComponent).join('/')}, name));
		}));
	};
	const rows = (...items) => named('rows', items);
	const named = (kind, items) => h('dl', {class: kind}, items.filter(Boolean).map(([name, ...value]) => h('div', null, h('dt', null, name), h('dd', null, value))));
	const section = (title, ...content) => [h('h3', null, title), content];
	const grid = (caption, head, body) => h('table', {class: 'grid'}, h('caption', {class: 'vh'}, caption),
		h('thead', null, h('tr', null, h('td'), head.map(c => h('th', {scope: 'col'}, c)))),
		h('tbody', null, body.map(([name, ...row]) => h('tr', null, h('th', {scope: 'row'}, name), row.map(c => h('td', null, c))))));

	const achieved = o => {
		const parts = [o.delivered ? 'delivered' : 'not delivered', o.encrypted ? 'encrypted' : 'not encrypted'];
		if (o.tls) parts.push([o.tls, o.suite].filter(Boolean).join(' '));
		const a = o.auth || {};
		if (a.initiator) parts.push('initiator by ' + a.initiator);
		if (a.receiver) parts.push('receiver by ' + a.receiver);
		if (o.condition) parts.push('error ' + o.condition);
		return parts.join(', ');
	};
	const asked = o => [o.there || {}, o.back || {}].some(l => l.asked || l.sent);
	const legs = o => {
		const there = o.there || {}, back = o.back || {};
		if (!asked(o)) return h('p', {class: 'nothing'}, 'Nothing was sent.');
		const row = (name, f) => [name, f(there), f(back)];
		const on = f => l => l.asked || l.sent ? f(l) : '–';
		return grid('Outcome in each direction', ['initiator → receiver', 'receiver → initiator'], [
			row('Messages', on(l => `${l.delivered || 0} of ${l.sent || 0} delivered`)),
			row('Encrypted', on(l => yes(l.encrypted))),
			row('TLS', on(l => l.tls || 'none')),
			row('Suite', on(l => l.suite || '–')),
			row('Authenticated', on(l => auth(l.auth))),
			row('Condition', on(l => l.condition || 'none')),
			row('End', on(l => l.end || '–')),
		]);
	};
	const copy = async (value, code) => {
		let done = true;
		try {
			await navigator.clipboard.writeText(value);
		} catch {
			const range = document.createRange();
			range.selectNodeContents(code);
			getSelection().removeAllRanges();
			getSelection().addRange(range);
			done = document.execCommand('copy');
		}
		byId('said').textContent = '';
		byId('said').textContent = done ? 'Copied' : 'Selected; copy it with the keyboard';
		return done;
	};
	const command = value => {
		const code = h('code', null, value);
		const button = h('button', {type: 'button', on: {click: async () => {
			button.textContent = await copy(clean(value), code) ? 'Copied' : 'Selected';
		}}}, 'Copy');
		return h('div', {class: 'command'}, code, button);
	};
	const control = id => {
		const e = cellById.get(id);
		return h('li', null, e ? [h('span', {class: 'v-' + verdictOf(e).name}, mark(verdictOf(e)), ' ', verdictOf(e).name), ' ', cellLink(e, h('span', {class: 'id'}, id))] : h('span', {class: 'id'}, id));
	};

	const close = () => {
		const id = state.cell;
		go({cell: null});
		const at = shownCells.findIndex(e => e.cell.id === id);
		(byId('list').querySelectorAll('tbody a')[at] || byId('list-title')).focus();
	};
	const step = by => {
		const at = shownCells.findIndex(e => e.cell.id === state.cell), to = shownCells[at + by];
		return at < 0 || !to ? null : to.cell.id;
	};
	const stepButton = (by, name) => h('button', {type: 'button', disabled: !step(by), on: {click: () => {
		go({cell: step(by)});
		focusEvidence();
	}}}, name);

	const renderEvidence = () => {
		const panel = byId('evidence');
		panel.hidden = state.cell === null;
		byId('work').classList.toggle('open', !panel.hidden);
		panel.replaceChildren();
		if (panel.hidden) return;
		const tools = h('div', {class: 'bar-top'}, stepButton(-1, '← Previous'), stepButton(1, 'Next →'), h('span', {class: 'spring'}), h('button', {type: 'button', on: {click: close}}, 'Close'));
		const e = cellById.get(state.cell);
		if (!e) {
			append(panel, [tools, h('h2', {id: 'evidence-title', tabindex: '-1'}, 'No such cell'), h('p', null, 'This run has no cell ', h('span', {class: 'id'}, state.cell), '.')]);
			return;
		}
		const c = e.cell, v = verdictOf(e), s = scenarios.get(c.scenario), o = c.outcome || {}, [left, right] = policies(c);
		const side = (name, p) => {
			const [policy, ...certificate] = (p || '').split('/');
			const subject = subjects.get(name);
			return [[bdi(name), subject && subject.version && [h('br'), h('span', {class: 'quiet'}, bdi(subject.version))]], explained(policy), explained(certificate.join('/'))];
		};
		const sides = [side(e.from, left), side(e.to, right)];
		const scripted = c.notes && c.notes.length > 0;
		const twoSides = policies(c).length <= 2;
		append(panel, [
			tools,
			h('h2', {id: 'evidence-title', tabindex: '-1'}, c.scenario, world(c)),
			h('p', {class: 'sides'}, bdi(e.from), ' → ', bdi(e.to), e.core && h('span', {class: 'tag'}, 'core')),
			h('div', {class: `finding v-${v.name} worst-${v.name}`},
				h('p', {class: 'name v-' + v.name}, mark(v), ' ', v.name, c.blame && [', blames ', c.blame]),
				h('p', null, bdi(c.why))),
			c.known && h('div', {class: 'known'}, h('b', null, 'Known'), c.known.since && [' since ', c.known.since], ': ', bdi(c.known.reason), ' ',
				webAddress(c.known.link) ? away(webAddress(c.known.link), c.known.link) : h('span', {class: 'quiet'}, '(', c.known.link || 'unreported', ')')),
			section('Question', s ? h('p', null, bdi(s.asks)) : h('p', {class: 'nothing'}, 'The scenario is not described.'),
				s && s.expect && h('p', {class: 'quiet'}, 'Passes when: ', bdi(s.expect))),
			c.cites && c.cites.length > 0 && section('Decided by', citations(c.cites)),
			s && s.cites && s.cites.length > 0 && section('The scenario cites', citations(s.cites)),
			section('Policy and certificate', twoSides ? grid('Policy of both sides', ['initiator', 'receiver'], [
				['Subject', ...sides.map(x => x[0])], ['Policy', ...sides.map(x => x[1])], ['Certificate', ...sides.map(x => x[2])],
			]) : h('p', null, bdi(c.policy))),
			section('Outcome', rows(['Expected', bdi(c.expected || '–')], (!scripted || asked(o)) && ['Achieved', bdi(achieved(o))], c.possible && ['Possible', bdi(c.possible)])),
			c.notes && c.notes.length > 0 && section('What the scripted peer was told', named('rows notes', c.notes.map(n => [bdi(n.name), bdi(n.value)]))),
			(!scripted || asked(o)) && section('In each direction', legs(o)),
			section('Evidence', rows(
				['Witnesses', c.witnesses && c.witnesses.length ? c.witnesses.join(', ') : 'none'],
				['Took', `${(c.seconds || 0).toFixed(2)} s`])),
			c.inventory && c.inventory.length > 0 && section('What an onlooker learned', h('ul', {class: 'inventory'}, c.inventory.map(item => h('li', null, bdi(item))))),
			c.control && c.control.length > 0 && section('Rests on', h('ul', null, c.control.map(control))),
			c.reproduce && section('Reproduce', command(c.reproduce)),
			c.artefacts && c.artefacts.length > 0 && section('Files', artefacts(c.artefacts)),
			section('Cell', h('p', {class: 'id'}, c.id)),
		]);
		panel.scrollTop = 0;
	};

	// ---- all of it

	const render = () => {
		const found = filter();
		renderFilters(found);
		renderSquares(found);
		renderList(found);
		renderEvidence();
	};
	addEventListener('popstate', () => {
		state = read();
		limit = firstRows;
		render();
	});
	addEventListener('keydown', event => {
		if (event.key === 'Escape' && state.cell !== null && !event.defaultPrevented) close();
	});
	// These lead to a place in the page; its address stays what is selected.
	for (const [selector, id] of [['.skip', 'matrix'], ['#to-legend', 'legend']]) {
		document.querySelector(selector).addEventListener('click', event => {
			event.preventDefault();
			focusOn(byId(id));
		});
	}

	const themes = ['auto', 'light', 'dark'];
	const themeButton = byId('theme');
	const setTheme = theme => {
		if (theme === 'auto') delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = theme;
		themeButton.textContent = 'Theme: ' + theme;
		themeButton.dataset.theme = theme;
	};
	// A browser may refuse to remember things for files.
	const remember = (...theme) => {
		try {
			return theme.length ? localStorage.setItem('testday-theme', theme[0]) : localStorage.getItem('testday-theme');
		} catch {
			return null;
		}
	};
	themeButton.addEventListener('click', () => {
		const next = themes[(themes.indexOf(themeButton.dataset.theme) + 1) % themes.length];
		setTheme(next);
		remember(next);
	});
	setTheme(themes.includes(remember()) ? remember() : 'auto');

	for (const id of ['theme', 'filters', 'work']) byId(id).hidden = false;
	render();
	if (state.cell !== null) byId('evidence').scrollIntoView({block: 'start'});
})();
