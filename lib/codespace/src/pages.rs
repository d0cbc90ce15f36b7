//! How many objects lie in each page, where the page is the unit of writing.
//!
//! With strategies that change the protection of whole pages, an object's range can be used again
//! only when nothing in its pages is live: making a page writable stops what runs in it.
//!
//! ```text
//!   objects  │AAAAAAAABBBB│BBBBCC······│
//!   counts   │     2      │     2      │    A freed: nothing; B freed: 1st page; C: 2nd page
//! ```
#![forbid(unsafe_code)]

use std::ops::Range;

/// Objects per page of one space.
#[derive(Debug)]
pub(crate) struct Pages {
    space: Range<usize>,
    page: usize,
    objects: Vec<u16>,
}

impl Pages {
    /// No objects yet. A page has at most 2^16 - 1 smallest objects.
    pub(crate) fn new(space: Range<usize>, page: usize) -> Self {
        let objects = vec![0; space.len() / page];
        Self { space, page, objects }
    }

    /// Counts an object.
    pub(crate) fn add(&mut self, object: &Range<usize>) {
        for page in self.touched(object) {
            self.objects[page] += 1;
        }
    }

    /// Uncounts an object, and returns the pages that have none left: one run at most, since
    /// pages between the first and the last have this object alone.
    pub(crate) fn remove(&mut self, object: &Range<usize>) -> Range<usize> {
        let touched = self.touched(object);
        for page in touched.clone() {
            self.objects[page] -= 1;
        }
        let is_empty = |page: &usize| self.objects[*page] == 0;
        let start = touched.clone().find(is_empty).unwrap_or(touched.end);
        let end = start + (start..touched.end).take_while(is_empty).count();
        self.space.start + start * self.page..self.space.start + end * self.page
    }

    fn touched(&self, object: &Range<usize>) -> Range<usize> {
        let first = (object.start - self.space.start) / self.page;
        first..(object.end - self.space.start).div_ceil(self.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_free_when_its_last_object_goes() {
        let mut pages = Pages::new(1000..1400, 100);
        let [a, b, c] = [1000..1060, 1060..1150, 1150..1160];
        [&a, &b, &c].into_iter().for_each(|object| pages.add(object));
        assert!(pages.remove(&a).is_empty());
        assert_eq!(pages.remove(&b), 1000..1100);
        assert_eq!(pages.remove(&c), 1100..1200);
    }

    #[test]
    fn an_object_over_many_pages_frees_its_inner_ones() {
        let mut pages = Pages::new(1000..1400, 100);
        let [a, b] = [1000..1010, 1010..1390];
        pages.add(&a);
        pages.add(&b);
        assert_eq!(pages.remove(&b), 1100..1400);
        assert_eq!(pages.remove(&a), 1000..1100);
    }
}
