(() => {
  // The wall as a reader wants it: some of its cards, in another order, in groups of one level.
  const form = document.querySelector('.tools')
  const wall = document.querySelector('.wall')
  const control = (name) => form.elements[name]
  const clusters = [...wall.querySelectorAll('.card')].map((card) => {
    const { photos, mean, date, tight, parents, run } = card.dataset
    const id = card.id.slice('card-'.length)
    const paths = [...document.querySelectorAll(`#cluster-${id} .path bdi`)]
    const words = [card.querySelector('.name'), ...paths].map((one) => one.textContent)
    return {
      id, card, tight, run, date,
      photos: Number(photos),
      mean: mean === '' ? Infinity : Number(mean),
      parents: parents.split(' '),
      words: words.join('\n').toLowerCase(),
    }
  })

  const wanted = (cluster) =>
    cluster.words.includes(control('find').value.trim().toLowerCase())
    && cluster.photos >= Number(control('least').value)
    && (!control('tight').value || cluster.tight === control('tight').value)
    && (!control('from')?.value || cluster.date >= control('from').value)
    && (!control('to')?.value || (cluster.date && cluster.date <= control('to').value))

  const orders = {
    photos: (a, b) => b.photos - a.photos,
    mean: (a, b) => a.mean - b.mean,
    date: (a, b) => (a.date || '9').localeCompare(b.date || '9'),
  }

  const element = (name, className, ...children) => {
    const made = document.createElement(name)
    made.className = className
    made.append(...children)
    return made
  }

  // A group stands where its first cluster would.
  const grouped = (shown, level) => {
    const groups = new Map()
    for (const cluster of shown) {
      const parent = level ? cluster.parents[level - 1] || cluster.id : cluster.id
      const key = `${cluster.run} ${parent}`
      groups.set(key, [...(groups.get(key) || []), cluster])
    }
    return [...groups.values()].map((members) => {
      const cards = members.map((one) => one.card)
      if (cards.length === 1) return cards[0]
      const photos = members.reduce((sum, one) => sum + one.photos, 0).toLocaleString('en')
      const largest = members.reduce((a, b) => (b.photos > a.photos ? b : a))
      const title = element('p', '', element('span', '', `Group of ${largest.card.querySelector('.name').firstChild.textContent}`))
      title.append(` ${cards.length} clusters, ${photos} photos`)
      return element('li', `group s${Math.min(cards.length, 6)}`, title, element('ul', '', ...cards))
    })
  }

  const show = () => {
    const shown = clusters.filter(wanted).sort(orders[control('sort').value])
    const level = Number(control('level')?.value || 0)
    wall.replaceChildren(...grouped(shown, level))
    form.querySelector('output').textContent = `${shown.length} of ${clusters.length} clusters`
    const told = form.querySelector('.level')
    if (told) told.textContent = level ? `${wall.children.length} groups` : 'each cluster'
  }
  form.addEventListener('input', show)
  form.addEventListener('submit', (event) => event.preventDefault())
  form.hidden = false
  show()
})()
