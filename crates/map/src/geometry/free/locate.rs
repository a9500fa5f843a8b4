//! Which polygons of a mesh contain a point: a grid whose cells list the polygons they meet.
//!
//! Decided by exact predicates alone; a point on a shared edge is in every polygon that has it.

use nalgebra::Vector2;

use super::mesh::{Mesh, NONE};
use crate::{
    compiled::Csr,
    geometry::{Point, SegmentGrid, orientation},
};

#[derive(Clone, Debug, Default)]
pub(super) struct PolygonIndex {
    grid: SegmentGrid,
    cells: Csr<u32>,
}

impl PolygonIndex {
    pub(super) fn new(mesh: &Mesh) -> Self {
        let lines: Vec<(Point, Point)> = (0_u32..)
            .zip(&mesh.edges)
            .map(|(number, edge)| (mesh.corner(edge.from), mesh.corner(mesh.end(number))))
            .collect();
        let grid = SegmentGrid::new(&lines);
        let (columns, rows) = grid.size();
        let (low, cell_m) = grid.frame();
        let mut cells: Csr<u32> = Csr::from_rows(std::iter::empty::<Vec<u32>>());
        let (mut own, mut before): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for row in 0..rows {
            before.clear();
            for column in 0..columns {
                own.clear();
                let edges = grid.items(column, row).iter();
                own.extend(edges.filter_map(|edge| Some(mesh.edges.get(*edge as usize)?.polygon)));
                own.sort_unstable();
                own.dedup();
                if own.is_empty() {
                    // No edge crosses its left border, so what contains its centre has an edge in the cell before, or
                    // contains that as well.
                    let centre = low + Vector2::new(f64::from(column) + 0.5, f64::from(row) + 0.5) * cell_m;
                    own.extend(before.iter().filter(|polygon| contains(mesh, **polygon, centre)));
                }
                cells.items.extend_from_slice(&own);
                cells.start.push(u32::try_from(cells.items.len()).unwrap_or(NONE));
                std::mem::swap(&mut own, &mut before);
            }
        }
        Self { grid, cells }
    }

    /// Adds the polygons that contain a point, ascending. A few orientations for each polygon that meets the cell.
    pub(super) fn find(&self, mesh: &Mesh, p: Point, found: &mut Vec<u32>) {
        let Some(cell) = self.grid.cell_of(p) else { return };
        found.extend(self.cells.row(cell).iter().filter(|polygon| contains(mesh, **polygon, p)));
    }
}

fn contains(mesh: &Mesh, polygon: u32, p: Point) -> bool {
    let range = mesh.edges_of(polygon);
    let edges = mesh.edges.get(range.start as usize..range.end as usize).unwrap_or(&[]);
    let corners = edges.iter().map(|edge| mesh.corner(edge.from));
    let ends = corners.clone().cycle().skip(1);
    corners.zip(ends).all(|(a, b)| 0.0 <= orientation(a, b, p))
}
