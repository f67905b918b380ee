//! Questions to all lanes.

use super::{IntakeGrpc, invalid, unreadable};
use futures::future::try_join_all;
use std::collections::BTreeMap;
use tenfold_domain::intake::board::LabBoard;
use tenfold_proto::convert::intake::lab_board;
use tenfold_proto::v1;
use tenfold_proto::v1::intake_query::Query;
use tenfold_proto::v1::intake_reply::Reply;
use tonic::Status;

/// Rows of a page that does not say how many.
const PAGE_DEFAULT: u32 = 100;
/// Most rows of a page.
const PAGE_MAX: u32 = 1_000;

impl IntakeGrpc {
    /// One page after another, lane by lane.
    pub(super) async fn recollections(
        &self,
        request: v1::ListRecollectionsRequest,
    ) -> Result<v1::ListRecollectionsResponse, Status> {
        let (mut lane, mut after) = parse_page(&request.page_token)?;
        let size = match request.page_size {
            0 => PAGE_DEFAULT,
            size => size.min(PAGE_MAX),
        };
        let mut found = Vec::new();
        while lane < self.gateway.lanes() {
            let have = u32::try_from(found.len()).unwrap_or(size);
            if have >= size {
                break;
            }
            let query = Query::Recollections(v1::IntakeRecollectionsQuery {
                site: request.site.clone(),
                after,
                most: size - have,
            });
            let Reply::Recollections(page) = self.ask_lane(lane, query).await? else {
                return Err(unreadable());
            };
            found.extend(page.recollections);
            match page.next {
                Some(next) => after = next,
                None => (lane, after) = (lane.saturating_add(1), 0),
            }
        }
        let next_page_token = if lane < self.gateway.lanes() {
            format!("{lane}.{after}")
        } else {
            String::new()
        };
        Ok(v1::ListRecollectionsResponse {
            recollections: found,
            next_page_token,
        })
    }

    /// The boards of all lanes, added up by lab.
    pub(super) async fn board(
        &self,
        request: v1::IntakeBoardRequest,
    ) -> Result<v1::IntakeBoard, Status> {
        let boards = (0..self.gateway.lanes()).map(|lane| {
            let query = Query::Board(request.clone());
            async move {
                match self.ask_lane(lane, query).await? {
                    Reply::Board(board) => Ok(board),
                    _ => Err(unreadable()),
                }
            }
        });
        let mut labs: BTreeMap<String, LabBoard> = BTreeMap::new();
        let mut sum = v1::IntakeBoard::default();
        for board in try_join_all(boards).await? {
            sum.recollections_open = sum
                .recollections_open
                .saturating_add(board.recollections_open);
            sum.recollections_overdue = sum
                .recollections_overdue
                .saturating_add(board.recollections_overdue);
            for lab in board.labs {
                let name = lab.lab.clone();
                labs.entry(name).or_default().merge(&lab.into());
            }
        }
        sum.labs = labs
            .into_iter()
            .map(|(lab, board)| lab_board(lab, board))
            .collect();
        Ok(sum)
    }
}

fn parse_page(token: &str) -> Result<(u32, u64), Status> {
    if token.is_empty() {
        return Ok((0, 0));
    }
    token
        .split_once('.')
        .and_then(|(lane, after)| Some((lane.parse().ok()?, after.parse().ok()?)))
        .ok_or_else(|| {
            invalid(
                "PAGE_TOKEN",
                "page_token",
                "the token was not made by this call",
                "send next_page_token of the page before as it is",
            )
        })
}
