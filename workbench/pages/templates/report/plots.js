// Plots: the values at the pointer, or of the point that the arrow keys choose. Each plot is drawn
// twice, for wide and for narrow pages; one of them is visible.

function showValues(svg, output, { x: xAxis, y: yAxis, series, pixels }) {
  const toPixel = (axis, [low, high], value) => {
    const scale = (v) => (axis.log ? Math.log10(Math.max(v, axis.from)) : v);
    const fraction = (scale(value) - scale(axis.from)) / (scale(axis.to) - scale(axis.from));
    return low + Math.min(1, Math.max(0, fraction)) * (high - low);
  };
  const points = series.flatMap(({ name, points }) => points.map(([x, y]) => (
    { name, x, y, px: toPixel(xAxis, pixels.x, x), py: toPixel(yAxis, pixels.y, y) })));
  if (points.length === 0) return;
  points.sort((a, b) => a.px - b.px);
  const marker = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
  marker.setAttribute('r', 5);
  marker.setAttribute('class', 'marker');
  marker.setAttribute('visibility', 'hidden');
  svg.append(marker);
  let current = -1;
  const show = (index) => {
    current = Math.max(0, Math.min(points.length - 1, index));
    const point = points[current];
    marker.setAttribute('cx', point.px);
    marker.setAttribute('cy', point.py);
    marker.setAttribute('visibility', 'visible');
    const name = point.name ? `${point.name}: ` : '';
    output.value = `${name}${xAxis.label} ${number(point.x)}, ${yAxis.label} ${number(point.y)}`;
  };
  svg.addEventListener('pointermove', (event) => {
    output.setAttribute('aria-live', 'off');
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
    let best = -1, nearest = Infinity;
    for (let i = 0; i < points.length; i++) {
      const distance = (points[i].px - x) ** 2 + (points[i].py - y) ** 2;
      if (distance < nearest) { nearest = distance; best = i; }
    }
    show(best);
  });
  // Screen readers pass the arrow keys to elements with the role `application` only.
  svg.setAttribute('tabindex', '0');
  svg.setAttribute('role', 'application');
  svg.setAttribute('aria-roledescription', 'plot');
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    output.setAttribute('aria-live', 'polite');
    show(current + step);
  });
}

function showPlots(plots) {
  for (const name in plots) {
    const figure = document.querySelector(`figure[data-plot="${name}"]`);
    if (!figure) continue;
    const pictures = figure.querySelectorAll('svg.plot');
    const { areas, ...numbers } = plots[name];
    pictures.forEach((svg, i) => {
      showValues(svg, figure.querySelector('output'), { ...numbers, pixels: areas[i] });
    });
  }
}
