(() => {
  const find = (hash) => document.getElementById(hash.slice(1))
  const target = () => find(location.hash)
  const seen = (element) => element && element.closest('.photo, .cluster')

  // Previous, next and back: the keys do what the links of the photo or cluster do.
  const keys = { ArrowLeft: 'prev', ArrowRight: 'next', Escape: 'up' }
  addEventListener('keydown', (event) => {
    const rel = keys[event.key]
    if (!rel || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    if (event.target.closest('[tabindex="0"]')) return
    const photo = target()
    const here = photo && photo.matches('.photo') ? photo : photo && photo.closest('.cluster')
    const link = here && here.querySelector(`a[rel=${rel}]`)
    if (link) { event.preventDefault(); link.click() }
  })

  // A click beside the words of an open photo closes it.
  addEventListener('click', (event) => {
    const photo = seen(event.target)
    if (!photo || !photo.matches('.photo:target') || event.target.closest('figcaption')) return
    event.preventDefault()
    photo.querySelector('a[rel=up]').click()
  })
  addEventListener('hashchange', () => {
    const photo = target()
    if (photo && photo.matches('.photo')) photo.querySelector('a[rel=up]').focus()
  })

  // The map: the photo under the pointer, and nearer or farther.
  for (const map of document.querySelectorAll('.map')) {
    const tip = map.parentElement.querySelector('.tip')
    const picture = document.createElement('img')
    const words = document.createElement('span')
    picture.alt = ''
    tip.append(picture, words)
    map.addEventListener('pointerover', (event) => {
      const link = event.target.closest('.dots a')
      const photo = link && find(link.getAttribute('href'))
      const small = photo && photo.querySelector('.small')
      tip.hidden = !photo
      if (!photo) return
      picture.hidden = !small
      if (small) picture.src = small.src
      words.textContent = link.textContent
      const at = link.getBoundingClientRect()
      const left = Math.min(Math.max(at.left - 100, 8), innerWidth - tip.offsetWidth - 8)
      const above = at.top - tip.offsetHeight - 8
      tip.style.left = `${left}px`
      tip.style.top = `${above < 8 ? at.bottom + 8 : above}px`
    })
    map.addEventListener('pointerleave', () => { tip.hidden = true })
    const zoom = map.parentElement.querySelector('.zoom')
    zoom.hidden = false
    let scale = 1
    zoom.addEventListener('click', (event) => {
      const step = Number(event.target.dataset.zoom)
      if (!step) return
      const middle = [
        (map.scrollLeft + map.clientWidth / 2) / map.scrollWidth,
        (map.scrollTop + map.clientHeight / 2) / map.scrollHeight,
      ]
      scale = Math.min(Math.max(scale * step, 1), 6)
      map.firstElementChild.style.width = `${100 * scale}%`
      map.scrollLeft = middle[0] * map.scrollWidth - map.clientWidth / 2
      map.scrollTop = middle[1] * map.scrollHeight - map.clientHeight / 2
    })
  }
})()
