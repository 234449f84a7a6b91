package claims

import (
	"context"
	"fmt"
	"time"

	"redress/internal/fault"
	"redress/internal/identity"
	"redress/internal/money"
)

// ClaimantKind tells merchants from drivers.
type ClaimantKind string

// The kinds of claimant.
const (
	Merchant ClaimantKind = "merchant"
	Driver   ClaimantKind = "driver"
)

// Claimant is a merchant or driver. Name, phone, numbers, bank account and
// outlet names are personal data: the store seals them, views mask them.
type Claimant struct {
	ID             string
	Kind           ClaimantKind
	Name           string
	Phone          string
	BusinessNumber string // digits; merchants only, unique
	DriverID       string // on the platform; drivers only, unique
	Bank           *BankAccount
	AccountChanged *time.Time // when Bank was last replaced; nil when it is the first
	Zone           string     // IANA zone of the wall clock of all histories
	Currency       string     // ISO 4217 of all histories
	AnnualRevenue  *money.Minor
	Outlets        []Outlet
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// BankAccount is where a payment goes.
type BankAccount struct {
	BankCode string `json:"bank_code"`
	Number   string `json:"number"`
	Holder   string `json:"holder"`
}

// Outlet is one place of business or one driver account of a claimant.
type Outlet struct {
	Code       string // unique within the claimant
	Name       string
	Sector     string // one of scheme.Sectors
	Region     string // ISO 3166-2
	PlatformID string // what the platform knows it by: a shop, a car, a driver; may be empty
}

// Outlet finds an outlet by its code.
func (c Claimant) Outlet(code string) (Outlet, bool) {
	for _, o := range c.Outlets {
		if o.Code == code {
			return o, true
		}
	}
	return Outlet{}, false
}

// Registered is a new claimant with the token of their first key, which is
// shown once.
type Registered struct {
	Claimant Claimant
	Key      identity.Key
	Token    string
}

// keyLifetime is how long a key lives when nothing else is asked for.
const keyLifetime = 365 * 24 * time.Hour

// Register keeps a new claimant and issues their first key. Anyone may register
// themselves; staff who act for claimants may register others.
func (s *Service) Register(ctx context.Context, actor identity.Actor, c Claimant, reply Reply[Registered]) (Registered, error) {
	if actor.Role != identity.Public {
		if err := allow(actor, identity.ActForClaimants); err != nil {
			return Registered{}, err
		}
	}
	now := s.now()
	c.ID, c.Version, c.CreatedAt, c.UpdatedAt = newID(), 1, now, now
	key, token := newKey(identity.Claimant, "first key", "", c.ID, actor.KeyID, now, now.Add(keyLifetime))
	return write(ctx, s, reply, func(ctx context.Context, tx Tx) (Registered, error) {
		if err := tx.InsertClaimant(ctx, c); err != nil {
			return Registered{}, err
		}
		if err := tx.InsertKey(ctx, key); err != nil {
			return Registered{}, err
		}
		facts := map[string]any{"kind": string(c.Kind), "by": string(actor.Role)}
		return Registered{Claimant: c, Key: key, Token: token}, s.log(ctx, tx, "claimant.registered", c.ID, facts)
	})
}

// ChangeClaimant applies a change to a claimant at the version that the caller
// holds.
func (s *Service) ChangeClaimant(ctx context.Context, actor identity.Actor, id string, version int64, change func(*Claimant) error) (Claimant, error) {
	return write(ctx, s, Reply[Claimant]{}, func(ctx context.Context, tx Tx) (Claimant, error) {
		c, err := findClaimant(ctx, tx, actor, id, identity.ActForClaimants)
		if err != nil {
			return Claimant{}, err
		}
		if err := matchVersion(version, c.Version); err != nil {
			return Claimant{}, err
		}
		before, account := c.Outlets, c.Bank
		if err := change(&c); err != nil {
			return Claimant{}, err
		}
		if actor.Role == identity.Delegate && !sameAccount(account, c.Bank) {
			return Claimant{}, fault.New(fault.Forbidden, "account_not_delegated",
				"A delegate may not change where the money goes; the claimant's own key may.", "대리인은 입금 계좌를 바꿀 수 없습니다. 청구인 본인의 키로 바꾸십시오.")
		}
		if err := keepUsedOutlets(ctx, tx, c, before); err != nil {
			return Claimant{}, err
		}
		c.UpdatedAt = s.now()
		if account != nil && !sameAccount(account, c.Bank) {
			c.AccountChanged = &c.UpdatedAt
		}
		if err := tx.UpdateClaimant(ctx, c); err != nil {
			return Claimant{}, err
		}
		c.Version++
		return c, s.log(ctx, tx, "claimant.changed", c.ID, map[string]any{"version": c.Version, "by": string(actor.Role)})
	})
}

func sameAccount(a, b *BankAccount) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}

// keepUsedOutlets refuses to drop an outlet that a history or claim refers to.
func keepUsedOutlets(ctx context.Context, tx Tx, c Claimant, before []Outlet) error {
	var fields []fault.Field
	for _, o := range before {
		if _, kept := c.Outlet(o.Code); kept {
			continue
		}
		used, err := tx.OutletUsed(ctx, c.ID, o.Code)
		if err != nil {
			return err
		}
		if used {
			fields = append(fields, fault.At("#/outlets", "outlet_in_use",
				"Outlet %q has a history or a claim and cannot be dropped; list it again.", "매장 %q에는 매출 이력이나 청구가 있어 지울 수 없습니다. 목록에 다시 넣으십시오.", o.Code))
		}
	}
	return fault.InvalidFields(fields)
}

// Claimant finds one claimant that the actor may see.
func (s *Service) Claimant(ctx context.Context, actor identity.Actor, id string) (Claimant, error) {
	c, err := findClaimant(ctx, s.store, actor, id, identity.ReadClaims)
	if err != nil {
		return Claimant{}, err
	}
	return c, s.looked(ctx, actor, Claim{ClaimantID: id}, readClaimant, "")
}

// findClaimant answers a claimant's key NotFound alike for claimants that do not
// exist and for those that are not theirs; any other role needs the permission.
func findClaimant(ctx context.Context, r Reader, actor identity.Actor, id string, staff identity.Action) (Claimant, error) {
	if actor.Can(identity.OwnClaims) {
		if !actor.Owns(id) {
			return Claimant{}, NotFound("claimant", id)
		}
	} else if err := allow(actor, staff); err != nil {
		return Claimant{}, err
	}
	c, err := r.Claimant(ctx, id)
	if err != nil {
		return Claimant{}, fmt.Errorf("find the claimant: %w", err)
	}
	return c, nil
}
